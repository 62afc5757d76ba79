using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.AdaRound;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Dmmv;
using Vernier.Quantization.Solvers.FlexRound;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Jlcm;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Nupes;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scales;

namespace Vernier.Quantization.Recipes;

/// <summary>The steps that recipes can name, by their method.</summary>
public static class SolverSteps
{
    internal static readonly NamedTypes<SolverStep> Types = new("method", "step");

    static SolverSteps()
    {
        Register<NearestStep>("nearest");
        Register<GptqStep>("gptq");
        Register<QuantEaseStep>("quantease");
        Register<ScalesStep>("scales");
        Register<CodebooksStep>("codebooks");
        Register<AdaRoundStep>("adaround");
        Register<FlexRoundStep>("flexround");
        Register<OutliersStep>("outliers");
        Register<DmmvStep>("dmmv");
        Register<JlcmStep>("jlcm");
        Register<NupesStep>("nupes");
    }

    /// <summary>The methods that there are, in the order in which they were registered.</summary>
    public static IReadOnlyList<string> Methods => Types.Names;

    /// <summary>Adds a step.</summary>
    /// <typeparam name="T">Its options, with defaults for all but what must be said.</typeparam>
    /// <param name="method">The name in recipes.</param>
    /// <exception cref="ArgumentException">There is a step of that method.</exception>
    public static void Register<T>(string method)
        where T : SolverStep, new() => Types.Add<T>(method);

    /// <summary>The method of a step.</summary>
    public static string MethodOf(SolverStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Types.NameOf(step.GetType());
    }
}
