using Vernier.Errors;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What a run takes, known before any work.</summary>
/// <param name="Memory">The memory.</param>
/// <param name="PeakMemoryBytes">The most memory of the process, under the ceiling.</param>
/// <param name="DiskBytes">The most room on the disk: the model with what accompanies it, the journal and the report, and the activations
/// where they go to a file.</param>
/// <param name="Seconds">An estimate, from rates measured on this machine and the number of operations; of a whole run, where one is
/// continued.</param>
public sealed record RunEstimate(MemoryEstimate Memory, long PeakMemoryBytes, long DiskBytes, double Seconds)
{
    // Of reading for the weights' check, the fingerprint, the run and reading back.
    private const double Passes = 4, BytesPerSecond = 1e9;
    private const int EntryBytes = 2048, ReportBytes = 1024;

    /// <summary>Estimates a run. Takes a second or so.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="sequences">The calibration sequences; not used by recipes that need none.</param>
    /// <param name="length">The tokens of each.</param>
    /// <param name="ceiling">The most memory it may take, in bytes.</param>
    /// <param name="gguf">The types of a GGUF file, where one is written; null, the default, for a folder.</param>
    /// <exception cref="InvalidFileException">A weight is not finite, or what accompanies the weights can't be read.</exception>
    public static RunEstimate Of(QuantizationPlan plan, int sequences, int length, long ceiling, GgufTypes? gguf = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        MemoryEstimate memory = MemoryEstimate.Of(plan, sequences, length);
        TensorPlan[] packed = [.. plan.Tensors.Where(planned => planned.IsQuantized)];
        long model = gguf?.SizeOf(plan.Model) ?? plan.Bytes + plan.Model.Companions.Sum(companion => companion.Bytes);
        long disk = model + packed.Length * (long)(EntryBytes + ReportBytes) + (memory.Spills(ceiling) ? memory.ActivationBytes : 0);
        return new RunEstimate(memory, memory.PeakBytes(ceiling), disk, Time(plan, packed, (long)sequences * length));
    }

    private static double Time(QuantizationPlan plan, TensorPlan[] packed, long tokens)
    {
        Recipe recipe = plan.Options.Recipe;
        double seconds = Passes * plan.SourceBytes / BytesPerSecond;
        var solver = new TensorSolver(plan);
        foreach (IGrouping<TensorRole, TensorPlan> role in packed.GroupBy(planned => planned.Role))
        {
            TensorPlan sample = role.MaxBy(planned => planned.Tensor.Count)!;
            seconds += MachineRates.Nearest(plan, solver, sample) * role.Sum(planned => planned.Tensor.Count) / sample.Tensor.Count;
        }
        MachineRates rates = MachineRates.Measure(plan.Workers);
        seconds += packed.Sum(planned => LowRankSolver.Operations(planned.Layout!)) / rates.Single;
        if (!recipe.NeedsCalibration || plan.Network is not NetworkShape network)
            return seconds + packed.Sum(planned => FamilyOf(planned).NearestCost(planned.Layout!).Single) / rates.Single;
        Dictionary<string, TensorPlan> byName = packed.ToDictionary(planned => planned.Name, StringComparer.Ordinal);
        foreach (LayerGroup group in network.Groups)
        {
            foreach (TensorPlan planned in group.Layers.Select(layer => byName.GetValueOrDefault(layer.Name)).OfType<TensorPlan>())
            {
                (double single, double wide) = Operations(planned, recipe, tokens, network.PassesOf(group), 1.0 / group.Layers.Count);
                seconds += single / rates.Single + wide / rates.Double;
            }
        }
        return seconds;
    }

    // A layer's share of the passes, of the Gram matrix of its input, and its solver: operations in single and in double precision.
    private static (double Single, double Double) Operations(TensorPlan planned, Recipe recipe, long tokens, int passes, double share)
    {
        double rows = planned.Tensor.Shape[0], columns = planned.Tensor.Shape[1], cube = rows * columns * columns;
        bool network = recipe.Target == LayerTarget.Network;
        double single = (network ? 2 : 1) * passes * 2 * tokens * rows * columns + share * (network ? 3 : 1) * tokens * columns * columns;
        // f of the nearest solution and of the best, and f(0).
        double wide = 6 * cube + (network ? 4 * cube + columns * columns * columns / 3 : 0);
        SolutionFamily family = FamilyOf(planned);
        foreach (StepCost cost in recipe.Solver.Select(step => step.Cost(planned.Layout!, family))
            .Prepend(family.NearestCost(planned.Layout!)))
            (single, wide) = (single + cost.Single, wide + cost.Double);
        return (single, wide);
    }

    private static SolutionFamily FamilyOf(TensorPlan planned) => SolutionFamilies.Of(planned.Layout!.GetType());
}
