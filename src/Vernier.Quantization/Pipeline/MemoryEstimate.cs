using Vernier.Errors;
using Vernier.Packing;
using Vernier.Quantization.Networks;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The most memory that a run takes, from the shapes of the layers, the recipe and the number of calibration tokens. Work is what one
/// block and the solver of
/// one layer take at their largest; activations are the residual streams of all calibration tokens, which a ceiling sends to a file.
/// </summary>
/// <param name="WorkBytes">All that has to be in memory at one time.</param>
/// <param name="ActivationBytes">The residual streams; those of the float network too, where they are the target.</param>
/// <param name="Largest">The tensor with which the work is largest.</param>
public sealed record MemoryEstimate(long WorkBytes, long ActivationBytes, string Largest)
{
    /// <summary>What the program takes besides its heap: the runtime, code, stacks.</summary>
    public const long ProgramBytes = 90_000_000;

    // The buffers of products and the like, which are kept, and do not grow with the model.
    private const long BufferBytes = 160_000_000;

    private const double Slack = 1.1;

    // Below the ceiling garbage waits until there is some of it.
    private const double Garbage = 1.3;

    /// <summary>The ceiling where none is given: three quarters of the memory of the machine, or of the container.</summary>
    public static long DefaultCeiling => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>The smallest ceiling with which the run is possible, in bytes.</summary>
    public long SmallestCeiling => WorkBytes;

    /// <summary>Whether activations go to a file under a ceiling.</summary>
    /// <param name="ceiling">In bytes.</param>
    public bool Spills(long ceiling) => WorkBytes + ActivationBytes > ceiling;

    /// <summary>The most memory that the run takes under a ceiling, garbage that waits for its collection included.</summary>
    /// <param name="ceiling">In bytes.</param>
    public long PeakBytes(long ceiling) => Math.Min(ceiling, (long)(Garbage * (WorkBytes + (Spills(ceiling) ? 0 : ActivationBytes))));

    /// <summary>Estimates a run.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="sequences">The calibration sequences; not used where the network need not run.</param>
    /// <param name="length">The tokens of each.</param>
    /// <param name="observed">Whether the run has observers, so that the network runs whatever the recipe.</param>
    public static MemoryEstimate Of(QuantizationPlan plan, int sequences, int length, bool observed = false)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (long Bytes, string Name) work = plan.Tensors.Where(planned => planned.IsQuantized)
            .Select(planned => (Nearest(planned), planned.Name)).DefaultIfEmpty((0, plan.Tensors[0].Name)).Max();
        long activations = 0;
        if ((plan.Options.Recipe.NeedsCalibration || observed) && plan.Network is NetworkShape network)
        {
            int networks = plan.Options.Recipe.Target == LayerTarget.Network ? 2 : 1;
            activations = networks * 4L * sequences * length * network.Width;
            foreach (StageShape stage in network.Stages)
                work = ((long, string))new[] { work, Stage(plan, stage, networks, length) }.Max();
        }
        return new MemoryEstimate(ProgramBytes + BufferBytes + (long)(Slack * work.Bytes), activations, work.Name);
    }

    /// <summary>Refuses a ceiling that can't be kept.</summary>
    /// <exception cref="MemoryCeilingException">The work takes more.</exception>
    public void Check(string model, long ceiling)
    {
        if (WorkBytes > ceiling)
            throw new MemoryCeilingException(model, WorkBytes, ceiling, Largest);
    }

    // The weights of a stage in single precision, the passes of a batch through it, and the largest of its layers as it is being solved.
    private static (long Bytes, string Name) Stage(QuantizationPlan plan, StageShape stage, int networks, int length)
    {
        TensorPlan[] tensors = [.. plan.Tensors.Where(planned => stage.Tensors.Contains(planned.Name))];
        Recipe recipe = plan.Options.Recipe;
        long weights = 4 * tensors.Sum(planned => planned.Tensor.Count), rows = (long)LanguageNetwork.SequencesPerBatch(length) * length;
        (long Bytes, string Name) layer = tensors.Where(planned => planned.IsQuantized)
            .Select(planned => (recipe.NeedsCalibration ? Solve(planned, recipe, networks, rows) : Nearest(planned), planned.Name))
            .DefaultIfEmpty((0, stage.Groups[0].Name)).Max();
        return (networks * (weights + 4 * rows * stage.PassWidth) + layer.Bytes, layer.Name);
    }

    private static long Solve(TensorPlan planned, Recipe recipe, int networks, long batchRows)
    {
        PackedLayout layout = planned.Layout!;
        SolutionFamily family = SolutionFamilies.Of(layout.GetType());
        long columns = layout.Columns, weights = layout.Rows * columns, square = columns * columns;
        // H, and with a target in the network D, a product that is added to it, and the inputs there.
        long held = 8 * square, correcting = 0;
        if (networks > 1)
        {
            held += 12 * square + 4 * batchRows * columns;
            correcting = 8 * square + 20 * weights;
        }
        StepCost[] costs = [.. recipe.Solver.Select(step => step.Cost(layout, family))];
        long solving = family.NearestCost(layout).WorkBytes + costs.Select(cost => cost.WorkBytes).DefaultIfEmpty(0).Max();
        return held + costs.Sum(cost => cost.SharedBytes)
            + Math.Max(correcting, 4 * weights + Math.Max(solving, LowRankSolver.WorkBytes(layout)));
    }

    // Rounded to nearest rows are read one at a time; one scale for a matrix, a search for its largest weights, a grid with a layout of
    // its own and what makes up for the
    // error need the whole of it.
    private static long Nearest(TensorPlan planned)
    {
        PackedLayout layout = planned.Layout!;
        long weights = (long)layout.Rows * layout.Columns;
        long solving = layout is not ScalarLayout ? 4 * weights + SolutionFamilies.Of(layout.GetType()).NearestCost(layout).WorkBytes
            // The weights, those that are left, their codes, and the order of all.
            : layout.OutlierValues > 0 ? 20 * weights
            : layout.GroupColumns < 0 ? 5 * weights
            : 0;
        return 2 * layout.StoredBytes + Math.Max(solving, layout.Rank > 0 ? 4 * weights + LowRankSolver.WorkBytes(layout) : 0);
    }
}
