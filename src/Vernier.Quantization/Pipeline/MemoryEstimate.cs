using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Pipeline;

/// <summary>
/// The most memory that a run takes, from the shapes of the layers, the recipe and the number of calibration tokens. Work is what one block and the solver of
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
    /// <param name="sequences">The calibration sequences; not used by recipes that need none.</param>
    /// <param name="length">The tokens of each.</param>
    public static MemoryEstimate Of(QuantizationPlan plan, int sequences, int length)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (long Bytes, string Name) work = plan.Tensors.Where(planned => planned.Layout is not null).Select(planned => (Nearest(planned, plan.Options.Recipe), planned.Tensor.Name)).Max();
        long activations = 0;
        if (plan.Options.Recipe.NeedsCalibration && ModelSource.Runs(plan.Checkpoint.Folder, out _))
        {
            ModelConfig config = ModelSource.Configuration(plan.Checkpoint.Folder);
            int networks = plan.Options.Recipe.Target == LayerTarget.Network ? 2 : 1;
            activations = networks * 4L * sequences * length * config.HiddenSize;
            for (int layer = 0; layer < config.LayerCount; layer++)
                work = ((long, string))new[] { work, Block(plan, config, $"model.layers.{layer}.", networks, length) }.Max();
        }
        return new MemoryEstimate(ProgramBytes + BufferBytes + (long)(Slack * work.Bytes), activations, work.Name);
    }

    /// <summary>Refuses a ceiling that can't be kept.</summary>
    /// <exception cref="InvalidFileException">The work takes more.</exception>
    public void Check(string model, long ceiling)
    {
        if (WorkBytes > ceiling)
            throw new InvalidFileException(model, "memory-too-small", $"the run needs {Megabytes(WorkBytes)} MB of memory, most of it for this tensor, and may take {Megabytes(ceiling)} MB", $"Allow it at least --memory {Megabytes(WorkBytes)}MB, or take a recipe that needs no data", Largest);
    }

    private static long Megabytes(long bytes) => (bytes + 999_999) / 1_000_000;

    // The weights of a block in single precision, the passes of a batch through it, and the largest of its layers as it is being solved.
    private static (long Bytes, string Name) Block(QuantizationPlan plan, ModelConfig config, string prefix, int networks, int length)
    {
        PlannedTensor[] tensors = [.. plan.Tensors.Where(planned => planned.Tensor.Name.StartsWith(prefix, StringComparison.Ordinal))];
        long weights = 4 * tensors.Sum(planned => planned.Tensor.Count);
        long rows = (long)BlockCalibration.SequencesPerBatch(length) * length, attention = config is TransformerConfig heads ? (2L * heads.HeadCount + 4L * heads.KeyValueHeadCount) * heads.HeadSize : 0;
        long pass = 4 * rows * (4L * config.HiddenSize + attention + 3L * ((config as TransformerConfig)?.IntermediateSize ?? 0));
        (long Bytes, string Name) layer = tensors.Where(planned => planned.Layout is not null).Select(planned => (Solve(planned, plan.Options.Recipe, networks, rows), planned.Tensor.Name)).DefaultIfEmpty((0, prefix)).Max();
        return (networks * (weights + pass) + layer.Bytes, layer.Name);
    }

    private static long Solve(PlannedTensor planned, Recipe recipe, int networks, long batchRows)
    {
        long rows = planned.Tensor.Shape[0], columns = planned.Tensor.Shape[1], weights = rows * columns, square = columns * columns;
        // H, and with a target in the network D, a product that is added to it, and the inputs there.
        long held = 8 * square, correcting = 0;
        if (networks > 1)
        {
            held += 12 * square + 4 * batchRows * columns;
            correcting = 8 * square + 20 * weights;
        }
        if (planned.Layout is not ScalarLayout)
            return held + Math.Max(correcting, 4 * weights + Math.Max(GridMethod.Of(recipe)!.WorkBytes(rows, columns, recipe), LowRankSolver.WorkBytes(planned.Layout!)));
        long solving = recipe.Solver.Max(step => OfStep(step, rows, columns));
        // The carry stays for the layers that share the input.
        if (recipe.Solver.Any(step => step.Method == SolverMethod.Gptq))
            held += 4 * square;
        // The weights, the nearest solution and the best, what they decode to, and the products of the objective.
        long around = 4 * weights + 2 * weights + 8 * weights + 32 * Math.Min(rows, 1024) * columns;
        return held + Math.Max(correcting, Math.Max(solving + around, 4 * weights + LowRankSolver.WorkBytes(planned.Layout)));
    }

    // The working memory of a step by what it keeps: GPTQ the factor in double and the carry in single precision, coordinate descent its residuals in double,
    // learned rounding H, the weights, their gradient and the latents with two moments, all in single precision.
    private static long OfStep(SolverStep step, long rows, long columns)
    {
        long weights = rows * columns, square = columns * columns;
        return step.Method switch
        {
            SolverMethod.Nearest or SolverMethod.Scales => 0,
            SolverMethod.Gptq => 12 * square,
            SolverMethod.Quantease => 12 * weights,
            // The residual in double precision, what is left of the weights, what the codes decode to, the step in S and its order, and the descent of Q.
            SolverMethod.Outliers => 44 * weights,
            // The samples by rows and by columns, their violations, and what the codes decode to.
            SolverMethod.Dmmv => 4L * BlockPipeline.SampleTokens * (2 * columns + rows) + 4 * weights,
            // What the codebooks decode to, its product with H, and where each code's number is.
            SolverMethod.Codebooks => 24 * weights,
            SolverMethod.Jlcm => 4 * square + (20 + 12L * step.Neighbours) * weights,
            _ => 4 * square + 32 * weights,
        };
    }

    // Rounded to nearest rows are read one at a time; one scale for a matrix, a search for its largest weights, a grid with a layout of its own and what makes up for the
    // error need the whole of it.
    private static long Nearest(PlannedTensor planned, Recipe recipe)
    {
        PackedLayout layout = planned.Layout!;
        long rows = layout.Rows, columns = layout.Columns, weights = rows * columns;
        long solving = layout is not ScalarLayout ? 4 * weights + GridMethod.Of(recipe)!.WorkBytes(rows, columns, recipe)
            // The weights, those that are left, their codes, and the order of all.
            : layout.OutlierValues > 0 ? 20 * weights
            : layout.GroupColumns < 0 ? 5 * weights
            : 0;
        return 2 * layout.StoredBytes + Math.Max(solving, layout.Rank > 0 ? 4 * weights + LowRankSolver.WorkBytes(layout) : 0);
    }
}
