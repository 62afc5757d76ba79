using System.Numerics;
using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Grids;
using Vernier.Kernels;
using Vernier.Numerics;

namespace Vernier.Packing;

/// <summary>Reads packed matrices from a checkpoint.</summary>
public static class PackedTensorReader
{
    /// <summary>Reads the arrays of one matrix.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="name">The name of the matrix.</param>
    /// <param name="spec">How it is packed.</param>
    /// <exception cref="InvalidFileException">An array is missing, of another type or shape, or holds what no writer writes.</exception>
    public static PackedTensor Read(Checkpoint checkpoint, string name, PackedTensorSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var scales = GC.AllocateUninitializedArray<Half>(spec.Scales);
        PackedArrays arrays = ReadArrays(checkpoint, name, spec, scales);
        var codes = GC.AllocateUninitializedArray<byte>(checked(spec.Rows * spec.BytesPerRow));
        checkpoint.ReadOnce(arrays.Codes, 0, codes);
        return new PackedTensor(spec, arrays.Grids, scales, arrays.Zeros, codes, arrays.Outliers);
    }

    /// <summary>Reads the arrays of one matrix straight into the order of the machine's kernels, its codes piece by piece.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="name">The name of the matrix.</param>
    /// <param name="spec">How it is packed.</param>
    /// <param name="outliers">Receives what is to be added to some weights, or null.</param>
    /// <returns>Null where no integer kernel serves the matrix.</returns>
    /// <exception cref="InvalidFileException">An array is missing, of another type or shape, or holds what no writer writes.</exception>
    public static PreparedWeight? Prepare(Checkpoint checkpoint, string name, PackedTensorSpec spec, out Outliers? outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        // The scales are copied; their memory serves the next matrix.
        using var scales = new PooledArray<Half>(spec.Scales);
        PackedArrays arrays = ReadArrays(checkpoint, name, spec, scales.Memory);
        outliers = arrays.Outliers;
        return PreparedWeight.Create(spec, arrays.Grids, scales.Memory, arrays.Zeros,
            (row, rows) => checkpoint.ReadOnce(arrays.Codes, (long)row * spec.BytesPerRow, rows));
    }

    private static PackedArrays ReadArrays(Checkpoint checkpoint, string name, PackedTensorSpec spec, Memory<Half> scales)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        Dictionary<string, TensorInfo> arrays = Expected(checkpoint, name, spec).ToDictionary(array => array.Name[(name.Length + 1)..], StringComparer.Ordinal);
        checkpoint.ReadOnce(arrays["scales"], 0, MemoryMarshal.AsBytes(scales.Span));
        if (!AreFinite(MemoryMarshal.Cast<Half, ushort>(scales.Span)))
            throw Invalid(checkpoint, arrays["scales"], "packed-scale", "a scale is not finite");
        byte[] zeros = arrays.TryGetValue("zeros", out TensorInfo? zero) ? checkpoint.Bytes(zero).ToArray() : [];
        LevelTable[] grids = ReadGrids(checkpoint, arrays, spec);
        return new PackedArrays(grids, zeros, arrays["codes"], spec.OutlierValues > 0 ? ReadOutliers(checkpoint, arrays, spec, grids[0].Unit) : null);
    }

    private static Outliers ReadOutliers(Checkpoint checkpoint, Dictionary<string, TensorInfo> arrays, PackedTensorSpec spec, float unit)
    {
        var values = GC.AllocateUninitializedArray<Half>(spec.OutlierValues);
        checkpoint.ReadOnce(arrays["outliers"], 0, MemoryMarshal.AsBytes(values.AsSpan()));
        int[] counts = arrays.TryGetValue("outlier_counts", out TensorInfo? array) ? Indices(array) : [], columns = Indices(arrays["outlier_columns"]);
        try
        {
            return new Outliers(spec, unit, counts, columns, values);
        }
        catch (ArgumentException e)
        {
            throw new InvalidFileException(checkpoint.FileOf(arrays["outliers"]), "packed-outliers", $"its outliers are malformed: {e.Message}", "Quantize the model again", arrays["outliers"].Name, e);
        }

        // An index of 32 bits that is above 2^31 becomes negative, and is refused as such.
        int[] Indices(TensorInfo info) => spec.NarrowIndices
            ? Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(checkpoint.Bytes(info)).ToArray(), index => (int)index)
            : MemoryMarshal.Cast<byte, int>(checkpoint.Bytes(info)).ToArray();
    }

    // A half is finite where its five bits of exponent are not all ones.
    private static bool AreFinite(ReadOnlySpan<ushort> halves)
    {
        ReadOnlySpan<Vector<ushort>> vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(halves);
        var exponent = new Vector<ushort>(0x7C00);
        bool finite = true;
        foreach (Vector<ushort> vector in vectors)
            finite &= !Vector.EqualsAny(vector & exponent, exponent);
        foreach (ushort half in halves[(vectors.Length * Vector<ushort>.Count)..])
            finite &= (half & 0x7C00) != 0x7C00;
        return finite;
    }

    private readonly record struct PackedArrays(LevelTable[] Grids, byte[] Zeros, TensorInfo Codes, Outliers? Outliers);

    private static IEnumerable<TensorInfo> Expected(Checkpoint checkpoint, string name, PackedTensorSpec spec)
    {
        IReadOnlyList<TensorInfo> expected;
        try
        {
            expected = spec.Arrays(name);
        }
        catch (OverflowException e)
        {
            throw new InvalidFileException(checkpoint.Folder, "packed-size", "its packed size overflows", "Quantize the model again", name, e);
        }
        foreach (TensorInfo array in expected)
        {
            if (!checkpoint.TryGet(array.Name, out TensorInfo? found))
                throw new InvalidFileException(checkpoint.Folder, "packed-array", $"config.json lists it as packed, but there is no '{array.Name}'", "Quantize the model again", name);
            if (found.Type != array.Type || !found.Shape.SequenceEqual(array.Shape))
                throw Invalid(checkpoint, found, "packed-shape", $"it is {found.Type} [{string.Join(", ", found.Shape)}] and should be {array.Type} [{string.Join(", ", array.Shape)}]");
            yield return found;
        }
    }

    private static LevelTable[] ReadGrids(Checkpoint checkpoint, Dictionary<string, TensorInfo> arrays, PackedTensorSpec spec)
    {
        var grid = new float[3 * spec.Grids];
        checkpoint.Read(arrays["grid"], 0, grid);
        ReadOnlySpan<byte> bytes = checkpoint.Bytes(arrays["levels"]);
        var tables = new LevelTable[spec.Grids];
        var levels = new short[1 << spec.Bits];
        for (int g = 0; g < tables.Length; g++)
        {
            for (int code = 0; code < levels.Length; code++)
            {
                int at = g * levels.Length + code;
                levels[code] = spec.WideLevels ? BitConverter.ToInt16(bytes[(2 * at)..]) : (sbyte)bytes[at];
            }
            int count = levels.Length;
            while (count > 2 && levels[count - 1] == levels[count - 2])
                count--;
            try
            {
                tables[g] = new LevelTable(spec.Bits, levels.AsSpan(0, count), grid[3 * g + 2], grid[3 * g], grid[3 * g + 1]);
            }
            catch (ArgumentException e)
            {
                throw new InvalidFileException(checkpoint.FileOf(arrays["levels"]), "packed-levels", $"level table {g} is malformed: {e.Message}", "Quantize the model again", arrays["levels"].Name, e);
            }
        }
        return tables;
    }

    private static InvalidFileException Invalid(Checkpoint checkpoint, TensorInfo array, string rule, string problem) =>
        new(checkpoint.FileOf(array), rule, problem, "Quantize the model again", array.Name);
}
