using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Packing;

/// <summary>The stored arrays of a packed matrix in a checkpoint, their types and shapes checked.</summary>
public sealed class PackedArrays
{
    private readonly Checkpoint _checkpoint;
    private readonly string _name;
    private readonly Dictionary<string, TensorInfo> _arrays;

    private PackedArrays(Checkpoint checkpoint, string name, Dictionary<string, TensorInfo> arrays) =>
        (_checkpoint, _name, _arrays) = (checkpoint, name, arrays);

    /// <summary>Finds the arrays of a matrix.</summary>
    /// <exception cref="InvalidFileException">One is missing, or of another type or shape than the layout gives.</exception>
    public static PackedArrays Find(Checkpoint checkpoint, string name, PackedLayout layout)
    {
        IReadOnlyList<TensorInfo> expected;
        try
        {
            expected = layout.Arrays(name);
        }
        catch (OverflowException e)
        {
            throw new InvalidFileException(checkpoint.Folder, "packed-size", "its packed size overflows", "Quantize the model again",
                name, e);
        }
        var arrays = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        foreach (TensorInfo array in expected)
        {
            if (!checkpoint.TryGet(array.Name, out TensorInfo? found))
                throw new InvalidFileException(checkpoint.Folder, "packed-array",
                    $"config.json lists it as packed, but there is no '{array.Name}'", "Quantize the model again", name);
            if (found.Type != array.Type || !found.Shape.SequenceEqual(array.Shape))
                throw new InvalidFileException(checkpoint.FileOf(found), "packed-shape",
                    $"it is {found.Type} [{string.Join(", ", found.Shape)}] and should be {array.Type} [{string.Join(", ", array.Shape)}]",
                    "Quantize the model again", found.Name);
            arrays.Add(found.Name[(name.Length + 1)..], found);
        }
        return new PackedArrays(checkpoint, name, arrays);
    }

    /// <summary>Copies bytes of an array without making pages of the file part of the process's memory.</summary>
    /// <param name="array">What follows the name of the matrix and a dot.</param>
    /// <param name="firstByte">Where to begin.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    public void ReadOnce(string array, long firstByte, Span<byte> destination) =>
        _checkpoint.ReadOnce(_arrays[array], firstByte, destination);

    /// <summary>Copies a whole array.</summary>
    /// <param name="array">What follows the name of the matrix and a dot.</param>
    public T[] Read<T>(string array)
        where T : unmanaged
    {
        TensorInfo info = _arrays[array];
        T[] values = GC.AllocateUninitializedArray<T>(checked((int)(info.Bytes / Marshal.SizeOf<T>())));
        _checkpoint.ReadOnce(info, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Copies an array of half precision, all of whose numbers are finite.</summary>
    /// <param name="array">What follows the name of the matrix and a dot.</param>
    /// <exception cref="InvalidFileException">One is not finite.</exception>
    public Half[] Scales(string array)
    {
        var values = GC.AllocateUninitializedArray<Half>(checked((int)(_arrays[array].Bytes / 2)));
        ReadScales(array, values);
        return values;
    }

    /// <summary>As <see cref="Scales(string)"/>, into memory of the caller.</summary>
    public void ReadScales(string array, Span<Half> values)
    {
        _checkpoint.ReadOnce(_arrays[array], 0, MemoryMarshal.AsBytes(values));
        if (!HalfNumbers.AreFinite(values))
            throw Invalid(array, "packed-scale", "a scale is not finite");
    }

    /// <summary>The unit of a matrix: the array of that name, a single power of two.</summary>
    /// <exception cref="InvalidFileException">It is no power of two.</exception>
    public float Unit()
    {
        float unit = Read<float>("unit")[0];
        return MatrixUnit.IsValid(unit) ? unit : throw Invalid("unit", "packed-unit", "the unit is no power of two");
    }

    /// <summary>The outliers of the matrix; null where the layout has none.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="unit">The unit of the matrix.</param>
    /// <exception cref="InvalidFileException">They are malformed.</exception>
    public Outliers? Outliers(PackedLayout layout, float unit)
    {
        if (layout.OutlierValues == 0)
            return null;
        try
        {
            return new Outliers(layout, layout.OutlierSource is null ? unit : 1, _arrays.ContainsKey("outlier_counts")
                ? Indices("outlier_counts") : [], Indices("outlier_columns"),
                Packing.Outliers.Values(Read<byte>("outliers"), layout.OutlierType));
        }
        catch (ArgumentException e)
        {
            throw Invalid("outliers", "packed-outliers", $"its outliers are malformed: {e.Message}", e);
        }

        // An index of 32 bits that is above 2^31 becomes negative, and is refused as such.
        int[] Indices(string array) => layout.NarrowIndices ? Array.ConvertAll(Read<ushort>(array), index => (int)index) : Read<int>(array);
    }

    /// <summary>The matrix of low rank that is added; null where the layout has none.</summary>
    /// <exception cref="InvalidFileException">A scale is not finite.</exception>
    public LowRank? LowRank(PackedLayout layout)
    {
        if (layout.Rank == 0)
            return null;
        try
        {
            return new LowRank(layout, Read<sbyte>("low_rank_left"), Read<sbyte>("low_rank_right"), Read<float>("low_rank_scales"));
        }
        catch (ArgumentException e)
        {
            throw Invalid("low_rank_scales", "packed-low-rank", $"its factors are malformed: {e.Message}", e);
        }
    }

    /// <summary>An array that holds what no writer writes.</summary>
    public InvalidFileException Invalid(string array, string rule, string problem, Exception? cause = null) =>
        new(_checkpoint.FileOf(_arrays[array]), rule, problem, "Quantize the model again", $"{_name}.{array}", cause);
}
