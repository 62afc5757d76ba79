using System.Runtime.CompilerServices;
using Vernier.Inference.Architectures;
using Vernier.Quantization.Recipes;
using Vernier.Tests.Exchange;
using Vernier.Tests.Logarithmic;
using Vernier.Tests.Parallel;

namespace Vernier.Tests;

/// <summary>What makes the parts of this assembly known: a line for each.</summary>
internal static class Registration
{
    [ModuleInitializer]
    internal static void Register()
    {
        GridSpecs.Register<LogarithmicGridSpec>("logarithmic");
        SolverSteps.Register<ExchangeStep>("exchange");
        ArchitectureCatalogue.Register(new ParallelArchitecture());
        RecipeCatalogue.Register(Recipe.Parse(typeof(Registration).Assembly.GetManifestResourceStream("log-exchange.json")!));
    }
}
