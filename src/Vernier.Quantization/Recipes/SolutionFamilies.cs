using System.Collections.Concurrent;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Blocks;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Solvers.Trits;
using Vernier.Quantization.Solvers.TwoLevel;
using Vernier.Quantization.Solvers.Vectors;

namespace Vernier.Quantization.Recipes;

/// <summary>The families of solutions that there are, by the layout of packed matrices to which they lead.</summary>
public static class SolutionFamilies
{
    private static readonly ConcurrentDictionary<Type, SolutionFamily> s_families = new()
    {
        [typeof(ScalarLayout)] = new ScalarFamily(),
        [typeof(VectorLayout)] = new VectorFamily(),
        [typeof(TritLayout)] = new TritFamily(),
        [typeof(TwoLevelLayout)] = new TwoLevelFamily(),
        [typeof(BlockLayout)] = new BlockFamily(),
    };

    /// <summary>Adds a family.</summary>
    /// <typeparam name="TLayout">The layout.</typeparam>
    /// <param name="family">The family.</param>
    /// <exception cref="ArgumentException">The layout has one.</exception>
    public static void Register<TLayout>(SolutionFamily family)
        where TLayout : PackedLayout
    {
        ArgumentNullException.ThrowIfNull(family);
        if (!s_families.TryAdd(typeof(TLayout), family))
            throw new ArgumentException($"the layout {typeof(TLayout).Name} has a family", nameof(family));
    }

    /// <summary>The family of a layout.</summary>
    /// <param name="layout">The class of the layout.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static SolutionFamily Of(Type layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return s_families.TryGetValue(layout, out SolutionFamily? family) ? family
            : throw new ArgumentException($"there is no family of solutions for the layout {layout.Name}", nameof(layout));
    }
}
