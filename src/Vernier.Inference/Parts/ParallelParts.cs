using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>One of several parts that see the same input.</summary>
/// <param name="Norm">The norm before it; null where the input comes normed.</param>
/// <param name="Part">The part.</param>
/// <param name="InputScale">What its input is multiplied by, behind the norm.</param>
/// <param name="OutputScale">What its output is multiplied by.</param>
public sealed record ParallelBranch(INorm? Norm, IBlockPart Part, float InputScale = 1, float OutputScale = 1);

/// <summary>Parts side by side: delta = sum_i o_i part_i(s_i norm_i(x)).</summary>
public sealed class ParallelParts : IBlockPart
{
    private readonly int _width;
    private readonly ParallelBranch[] _branches;

    /// <summary>Puts parts side by side.</summary>
    /// <param name="width">The hidden size.</param>
    /// <param name="branches">The parts, at least one.</param>
    public ParallelParts(int width, params IReadOnlyList<ParallelBranch> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        ArgumentOutOfRangeException.ThrowIfZero(branches.Count);
        (_width, _branches) = (width, [.. branches]);
        Groups = [.. branches.SelectMany(branch => branch.Part.Groups)];
        LayerStateShape[] states = [.. branches.Select(branch => branch.Part.State).OfType<LayerStateShape>()];
        State = states.Length > 1 ? new JointStateShape(states) : states.FirstOrDefault();
    }

    /// <inheritdoc/>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <inheritdoc/>
    public LayerStateShape? State { get; }

    /// <inheritdoc/>
    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int rows = context.Rows, length = checked(rows * _width);
        float[] input = context.Buffers.BranchInput(rows, _width), output = context.Buffers.BranchOutput(rows, _width);
        for (int i = 0; i < _branches.Length; i++)
        {
            ParallelBranch branch = _branches[i];
            ReadOnlySpan<float> given = x;
            if (branch.Norm is not null || branch.InputScale != 1)
            {
                x[..length].CopyTo(input);
                RowMath.ForRows(context.Workers, rows, _width, new InputWork { Branch = branch, Rows = input, Width = _width });
                given = input.AsSpan(0, length);
            }
            branch.Part.Forward(given, i == 0 ? delta : output.AsSpan(0, length), context);
            if (i > 0)
                TensorPrimitives.MultiplyAdd(output.AsSpan(0, length), branch.OutputScale, delta, delta);
            else if (branch.OutputScale != 1)
                TensorPrimitives.Multiply(delta, branch.OutputScale, delta);
        }
    }

    private struct InputWork : ITeamWork
    {
        public ParallelBranch Branch;
        public float[] Rows;
        public int Width;

        public readonly void Invoke(int index)
        {
            Span<float> row = Rows.AsSpan(index * Width, Width);
            Branch.Norm?.Apply(row, row);
            if (Branch.InputScale != 1)
                TensorPrimitives.Multiply(row, Branch.InputScale, row);
        }
    }
}
