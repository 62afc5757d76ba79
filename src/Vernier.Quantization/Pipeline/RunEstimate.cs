using Vernier.Errors;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What a run takes, known before any work.</summary>
/// <param name="Memory">The memory.</param>
/// <param name="PeakMemoryBytes">The most memory of the process, under the ceiling.</param>
/// <param name="DiskBytes">The most room on the disk: the model, the journal, and the activations where they go to a file.</param>
/// <param name="Seconds">An estimate, from rates measured on this machine and the number of operations; of a whole run, where one is continued.</param>
public sealed record RunEstimate(MemoryEstimate Memory, long PeakMemoryBytes, long DiskBytes, double Seconds)
{
    // Of reading for the weights' check, the fingerprint, the run and reading back.
    private const double Passes = 4, BytesPerSecond = 1e9;
    private const int EntryBytes = 2048;

    /// <summary>Estimates a run. Takes a second or so.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="sequences">The calibration sequences; not used by recipes that need none.</param>
    /// <param name="length">The tokens of each.</param>
    /// <param name="ceiling">The most memory it may take, in bytes.</param>
    /// <exception cref="InvalidFileException">A weight is not finite.</exception>
    public static RunEstimate Of(QuantizationPlan plan, int sequences, int length, long ceiling)
    {
        ArgumentNullException.ThrowIfNull(plan);
        MemoryEstimate memory = MemoryEstimate.Of(plan, sequences, length);
        PlannedTensor[] packed = [.. plan.Tensors.Where(planned => planned.Layout is not null)];
        long disk = plan.Bytes + packed.Length * (long)EntryBytes + (memory.Spills(ceiling) ? memory.ActivationBytes : 0);
        return new RunEstimate(memory, memory.PeakBytes(ceiling), disk, Time(plan, packed, (long)sequences * length));
    }

    private static double Time(QuantizationPlan plan, PlannedTensor[] packed, long tokens)
    {
        Recipe recipe = plan.Options.Recipe;
        double seconds = Passes * plan.SourceBytes / BytesPerSecond;
        var grids = new LayerGrids(plan, null);
        foreach (IGrouping<TensorRole, PlannedTensor> role in packed.GroupBy(planned => planned.Role))
        {
            PlannedTensor sample = role.MaxBy(planned => planned.Tensor.Count)!;
            seconds += MachineRates.Nearest(plan, grids, sample) * role.Sum(planned => planned.Tensor.Count) / sample.Tensor.Count;
        }
        MachineRates rates = MachineRates.Measure();
        seconds += packed.Sum(planned => LowRankSolver.Operations(planned.Layout!)) / rates.Single;
        if (!recipe.NeedsCalibration || !ModelSource.Runs(plan.Checkpoint.Folder, out _))
        {
            foreach (PackedLayout layout in packed.Select(planned => planned.Layout!).Where(layout => layout is not ScalarLayout))
                seconds += GridMethod.Of(recipe)!.Operations(layout.Rows, layout.Columns, recipe).Single / rates.Single;
            return seconds;
        }
        foreach (PlannedTensor planned in packed.Where(planned => planned.Role == TensorRole.Linear))
        {
            (double single, double wide) = Operations(planned, recipe, tokens);
            seconds += single / rates.Single + wide / rates.Double;
        }
        return seconds;
    }

    // A layer's share of the passes, of the Gram matrix of its input, and its solver: operations in single and in double precision.
    private static (double Single, double Double) Operations(PlannedTensor planned, Recipe recipe, long tokens)
    {
        double rows = planned.Tensor.Shape[0], columns = planned.Tensor.Shape[1], cube = rows * columns * columns;
        (int passes, double share) = Place(planned.Tensor.Name);
        bool network = recipe.Target == LayerTarget.Network;
        double single = (network ? 2 : 1) * passes * 2 * tokens * rows * columns + share * (network ? 3 : 1) * tokens * columns * columns;
        // f of the nearest solution and of the best, and f(0).
        double wide = 6 * cube + (network ? 4 * cube + columns * columns * columns / 3 : 0);
        if (planned.Layout is not ScalarLayout)
        {
            (double ownSingle, double ownWide) = GridMethod.Of(recipe)!.Operations(rows, columns, recipe);
            return (single + ownSingle, wide + ownWide);
        }
        foreach (SolverStep step in recipe.Solver)
        {
            switch (step.Method)
            {
                case SolverMethod.Nearest:
                    break;
                case SolverMethod.Gptq:
                    single += 2 * cube;
                    wide += columns * columns * columns * 2 / 3;
                    break;
                case SolverMethod.Quantease:
                    wide += 8 * cube;
                    break;
                case SolverMethod.Scales:
                    wide += 6 * cube;
                    break;
                case SolverMethod.Codebooks:
                    wide += 2 * step.Iterations * cube;
                    break;
                case SolverMethod.Outliers:
                    wide += step.Sweeps * 12 * cube;
                    break;
                case SolverMethod.Dmmv:
                    // A move tries some 24 columns on all samples; the searches seen took about a quarter of the moves they may.
                    single += step.Sweeps / 4.0 * rows * 24 * 4 * BlockPipeline.SampleTokens;
                    break;
                default:
                    single += step.Iterations * (2 * cube + 800 * rows * columns);
                    break;
            }
        }
        return (single, wide);
    }

    // How often a layer is applied while its block is in hand, and its part in a Gram matrix that layers share.
    private static (int Passes, double Share) Place(string name) =>
        name.Contains("o_proj", StringComparison.Ordinal) ? (3, 1)
        : name.Contains("qkv_proj", StringComparison.Ordinal) ? (4, 1)
        : name.Contains("self_attn", StringComparison.Ordinal) ? (4, 1.0 / 3)
        : name.Contains("down_proj", StringComparison.Ordinal) ? (1, 1)
        : name.Contains("gate_up_proj", StringComparison.Ordinal) ? (2, 1)
        : (2, 0.5);
}
