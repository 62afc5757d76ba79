using System.Collections.Concurrent;
using Vernier.Errors;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Packing.Configuration;

/// <summary>The layouts that a <c>quantization_config</c> may name, by their names. Another assembly adds its own with
/// <see cref="Register"/>.</summary>
public static class PackedLayouts
{
    private static readonly ConcurrentDictionary<string, Func<LayoutEntry, PackedLayout>> s_readers = new(StringComparer.Ordinal)
    {
        [ScalarLayout.Name] = ScalarLayout.Parse,
        [VectorLayout.Name] = VectorLayout.Parse,
        [BlockLayout.Name] = BlockLayout.Parse,
        [TritLayout.Name] = TritLayout.Parse,
        [TwoLevelLayout.Name] = TwoLevelLayout.Parse,
    };

    /// <summary>The names of the layouts, in order.</summary>
    public static IReadOnlyList<string> Names => [.. s_readers.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a layout.</summary>
    /// <param name="name">Its name: <see cref="PackedLayout.Kind"/>.</param>
    /// <param name="read">
    /// Reads what <see cref="PackedLayout.Describe"/> has written of it; the shape is read already, and what any layout may have beside its
    /// codes is added later.
    /// </param>
    /// <exception cref="ArgumentException">The name is empty, or there is another layout of that name.</exception>
    public static void Register(string name, Func<LayoutEntry, PackedLayout> read)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(read);
        if (!s_readers.TryAdd(name, read))
            throw new ArgumentException($"there is a layout '{name}' already", nameof(name));
    }

    /// <summary>Reads the layout of an entry, without what any layout may have beside its codes.</summary>
    /// <exception cref="InvalidFileException">The layout is unknown, or the entry is malformed.</exception>
    internal static PackedLayout Read(LayoutEntry entry)
    {
        string name = entry.Text("layout", ScalarLayout.Name);
        return s_readers.TryGetValue(name, out Func<LayoutEntry, PackedLayout>? read) ? read(entry)
            : throw entry.Invalid($"the layout '{name}' is unknown", "Use the version of Vernier that wrote the model, or a later one");
    }
}
