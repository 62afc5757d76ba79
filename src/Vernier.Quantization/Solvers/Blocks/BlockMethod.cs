using System.Runtime.CompilerServices;
using Vernier.Files;
using Vernier.Files.Gguf.Blocks;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>The block formats of ggml as a grid; each tensor has the format that <see cref="QuantizationOptions.BlockFormatOf"/> gives it.</summary>
internal sealed class BlockMethod : GridMethod
{
    // Layers that share their input share its factor, for as long as the Gram matrix is there.
    private static readonly ConditionalWeakTable<LayerObjective, Lazy<GptqFactor?>> s_factors = [];

    /// <inheritdoc/>
    public override PackedLayout? LayoutOf(TensorInfo tensor, TensorRole role, QuantizationOptions options) =>
        (options.BlockFormatOf is null ? Default(tensor, role == TensorRole.Linear ? options.Bits : options.EmbeddingBits!.Value) : options.BlockFormatOf(tensor)) is BlockFormat format
            ? new BlockLayout((int)tensor.Shape[0], (int)tensor.Shape[1], format) : null;

    // Where no type is named: the format of so many bits, or the next one in blocks of 32; columns that are no multiple of 32 stay as they are.
    private static BlockFormat? Default(TensorInfo tensor, int bits)
    {
        (BlockFormat super, BlockFormat plain) = bits switch
        {
            2 => (BlockFormats.Q2_K, BlockFormats.Q4_0),
            3 => (BlockFormats.Q3_K, BlockFormats.Q4_0),
            4 => (BlockFormats.Q4_K, BlockFormats.Q4_0),
            5 => (BlockFormats.Q5_K, BlockFormats.Q5_0),
            6 => (BlockFormats.Q6_K, BlockFormats.Q8_0),
            _ => (BlockFormats.Q8_0, BlockFormats.Q8_0),
        };
        int columns = (int)tensor.Shape[1];
        return BlockLayout.Fits(columns, super) ? super : BlockLayout.Fits(columns, plain) ? plain : null;
    }

    /// <inheritdoc/>
    public override PackedLayout Layout(int rows, int columns, QuantizationOptions options) => throw new InvalidOperationException("the format of a block is that of its tensor");

    /// <inheritdoc/>
    public override MatrixResult Solve(MatrixProblem problem, Recipe recipe)
    {
        var layout = (BlockLayout)problem.Layout;
        // The halves of a block have a range that the weights as they are use, so that they are not divided by anything.
        float[] weights = problem.Shift == 0 ? problem.Weights : Array.ConvertAll(problem.Weights, weight => MathF.ScaleB(weight, problem.Shift));
        BlockMatrix nearest = BlockSolver.Solve(weights, layout, problem.Importance ?? []);
        if (problem.Objective is not LayerObjective objective)
            return new MatrixResult(nearest);
        if (objective.MeanDiagonal == 0)
            return new MatrixResult(nearest, Fallback: "no data: its inputs were zero on all tokens, or there were none");
        double before = objective.Relative(weights, Decode(nearest));
        double damping = recipe.Solver[0].Damping;
        if (s_factors.GetValue(objective, own => new Lazy<GptqFactor?>(() => GptqFactor.Create(own, GptqFactor.NaturalOrder(own.Columns), damping))).Value is not GptqFactor factor)
            return new MatrixResult(nearest, before, before, Fallback: "its Gram matrix can't be factored with any damping");
        BlockMatrix solved = BlockSolver.Solve(weights, layout, objective, factor, recipe.Solver.FirstOrDefault(step => step.Method == SolverMethod.Quantease)?.Sweeps ?? 0);
        return new MatrixResult(solved, before, objective.Relative(weights, Decode(solved)), factor.Damping);
    }

    /// <inheritdoc/>
    public override long WorkBytes(long rows, long columns, Recipe recipe) => 12 * columns * columns + 24 * rows * columns;

    /// <inheritdoc/>
    public override (double Single, double Double) Operations(double rows, double columns, Recipe recipe) =>
        (2 * rows * columns * columns + 2000 * rows * columns, 10 * rows * columns * columns + columns * columns * columns * 2 / 3);

    private static float[] Decode(BlockMatrix matrix)
    {
        var weights = new float[checked(matrix.Rows * matrix.Columns)];
        Numerics.ParallelLoop.For(matrix.Rows, row => matrix.DequantizeRow(row, weights.AsSpan(row * matrix.Columns, matrix.Columns)));
        return weights;
    }
}
