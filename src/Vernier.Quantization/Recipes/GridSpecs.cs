using Vernier.Grids.Codebook;
using Vernier.Grids.Ggml;
using Vernier.Grids.Minifloat;
using Vernier.Grids.NormalFloat;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Grids.Trits;
using Vernier.Grids.TwoLevel;
using Vernier.Grids.Uniform;
using Vernier.Grids.Vectors;

namespace Vernier.Quantization.Recipes;

/// <summary>The grids that recipes can name, by their kind.</summary>
public static class GridSpecs
{
    internal static readonly NamedTypes<GridSpec> Types = new("kind", "grid");

    static GridSpecs()
    {
        Register<UniformGridSpec>("uniform");
        Register<PowerGridSpec>("power");
        Register<MinifloatGridSpec>("minifloat");
        Register<NormalFloatGridSpec>("normal-float");
        Register<GgmlGridSpec>("ggml");
        Register<CodebookGridSpec>("codebook");
        Register<VectorGridSpec>("vector");
        Register<TritGridSpec>("trits");
        Register<TwoLevelGridSpec>("two-level");
    }

    /// <summary>The kinds that there are, in the order in which they were registered.</summary>
    public static IReadOnlyList<string> Kinds => Types.Names;

    /// <summary>Adds a grid.</summary>
    /// <typeparam name="T">Its options, with defaults for all but what must be said.</typeparam>
    /// <param name="kind">The name in recipes.</param>
    /// <exception cref="ArgumentException">There is a grid of that kind.</exception>
    public static void Register<T>(string kind)
        where T : GridSpec, new() => Types.Add<T>(kind);

    /// <summary>The kind of a grid.</summary>
    public static string KindOf(GridSpec grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        return Types.NameOf(grid.GetType());
    }

    /// <summary>A grid of a kind with its defaults.</summary>
    /// <exception cref="ArgumentException">There is none of that kind; the message lists those there are.</exception>
    public static GridSpec Create(string kind) => Types.Create(kind);
}
