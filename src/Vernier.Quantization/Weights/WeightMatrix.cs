using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Quantization.Weights;

/// <summary>A weight matrix of a checkpoint, read in pieces: rows are output channels, columns input channels.</summary>
public sealed class WeightMatrix
{
    /// <summary>The rule that a weight that is not finite breaks.</summary>
    internal const string NotFiniteRule = "weight-not-finite";

    private const int PieceBytes = 1 << 16;

    private readonly Checkpoint _checkpoint;
    private readonly TensorOrder? _order;
    private int? _shift;

    /// <summary>Creates a view.</summary>
    /// <param name="checkpoint">The checkpoint, which must outlive the view.</param>
    /// <param name="tensor">A tensor of two dimensions, none of them 0 or above 2^31 - 1, and of a float type.</param>
    /// <param name="order">The order of its rows and columns; null for that of the file.</param>
    /// <param name="shift"><see cref="Shift"/>, where it is known.</param>
    /// <param name="workers">Who looks through all weights; null for all processors.</param>
    public WeightMatrix(Checkpoint checkpoint, TensorInfo tensor, TensorOrder? order = null, int? shift = null, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        (_checkpoint, _order, _shift) = (checkpoint, order, shift);
        Workers = workers ?? Workers.Shared;
        Tensor = tensor;
        Rows = checked((int)tensor.Shape[0]);
        Columns = checked((int)tensor.Shape[1]);
    }

    /// <summary>The tensor.</summary>
    public TensorInfo Tensor { get; }

    /// <summary>Who looks through all weights.</summary>
    public Workers Workers { get; }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Input channels.</summary>
    public int Columns { get; }

    /// <summary>Reads consecutive weights.</summary>
    /// <param name="row">The row of the first.</param>
    /// <param name="column">The column of the first.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void Read(int row, int column, Span<float> destination)
    {
        if (_order is null)
        {
            _checkpoint.Read(Tensor, (long)row * Columns + column, destination);
            return;
        }
        using var line = new PooledArray<float>(Columns);
        for (; !destination.IsEmpty; row++, column = 0)
        {
            int count = Math.Min(destination.Length, Columns - column);
            _checkpoint.Read(Tensor, (long)_order.Row(row) * Columns, line.Span);
            _order.Gather(line.Span, column, destination[..count]);
            destination = destination[count..];
        }
    }

    /// <summary>
    /// The power of two, as its exponent, next above the largest absolute weight; 0 for a matrix of zeros. Solvers work on weights divided
    /// by
    /// it, so that no sum of squares and no half-precision scale leaves its range, however large or small the weights are.
    /// </summary>
    /// <exception cref="InvalidFileException">A weight is not a finite number.</exception>
    public int Shift => _shift ??= FindShift();

    /// <summary>Reads consecutive weights, divided by 2^<see cref="Shift"/>: exactly, none above 1.</summary>
    /// <param name="row">The row of the first.</param>
    /// <param name="column">The column of the first.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void ReadNormalized(int row, int column, Span<float> destination)
    {
        Read(row, column, destination);
        Normalize(destination);
    }

    /// <summary>Reads the whole matrix, divided by 2^<see cref="Shift"/>.</summary>
    public float[] ReadNormalized()
    {
        var values = GC.AllocateUninitializedArray<float>(checked(Rows * Columns));
        ReadNormalized(0, 0, values);
        return values;
    }

    /// <summary>Divides numbers of the size of the weights by 2^<see cref="Shift"/>.</summary>
    public void Normalize(Span<float> values) => Normalize(values, Shift);

    /// <summary>Divides numbers by 2^shift.</summary>
    internal static void Normalize(Span<float> values, int shift)
    {
        // In two steps: 2^-shift alone may be out of range.
        TensorPrimitives.Multiply(values, MathF.ScaleB(1, -shift / 2), values);
        TensorPrimitives.Multiply(values, MathF.ScaleB(1, -(shift - shift / 2)), values);
    }

    /// <summary><see cref="Shift"/> of a matrix whose largest magnitude is known.</summary>
    // The unit of a level table, 2^-15 of this at the least, must be a normal number.
    internal static int ShiftOf(float largest) => largest == 0 ? 0 : Math.Clamp(Math.ILogB(largest) + 1, -100, 127);

    private int FindShift()
    {
        int rowsPerBlock = Math.Clamp((1 << 20) / Columns, 1, Rows), blocks = (Rows + rowsPerBlock - 1) / rowsPerBlock;
        var largest = new float[blocks];
        Workers.For(blocks, block =>
        {
            int first = block * rowsPerBlock, count = Math.Min(rowsPerBlock, Rows - first);
            largest[block] = LargestMagnitude((long)first * Columns, checked(count * Columns));
        });
        int bad = Array.FindIndex(largest, x => !float.IsFinite(x));
        if (bad >= 0)
            throw NotFinite(bad * rowsPerBlock, rowsPerBlock);
        return ShiftOf(largest.Max());
    }

    // The bits of floats without their sign are in the order of the magnitudes, and those that are not finite come last.
    private float LargestMagnitude(long first, int count)
    {
        int size = Tensor.Type switch { ElementType.F16 or ElementType.BF16 => 2, ElementType.F32 => 4, _ => 0 };
        if (size == 0)
        {
            using var numbers = new PooledArray<float>(count);
            _checkpoint.Read(Tensor, first, numbers.Span);
            return Math.Abs(TensorPrimitives.MaxMagnitude<float>(numbers.Span));
        }
        using var buffer = new PooledArray<byte>(Math.Min(count * size, PieceBytes));
        uint largest = 0;
        for (int done = 0; done < count; done += PieceBytes / size)
        {
            Span<byte> piece = buffer.Span[..Math.Min(buffer.Span.Length, (count - done) * size)];
            _checkpoint.ReadOnce(Tensor, (first + done) * size, piece);
            largest = Math.Max(largest, size == 2 ? LargestBits(MemoryMarshal.Cast<byte, ushort>(piece), (ushort)0x7FFF)
                : LargestBits(MemoryMarshal.Cast<byte, uint>(piece), 0x7FFF_FFFFu));
        }
        return Tensor.Type switch
        {
            ElementType.F16 => (float)BitConverter.UInt16BitsToHalf((ushort)largest),
            ElementType.BF16 => BitConverter.UInt32BitsToSingle(largest << 16),
            _ => BitConverter.UInt32BitsToSingle(largest),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T LargestBits<T>(ReadOnlySpan<T> bits, T mask)
        where T : unmanaged, IBinaryInteger<T>
    {
        Vector<T> most = Vector<T>.Zero, masks = new(mask);
        int i = 0;
        for (; i + Vector<T>.Count <= bits.Length; i += Vector<T>.Count)
            most = Vector.Max(most, new Vector<T>(bits[i..]) & masks);
        T largest = T.Zero;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
            largest = T.Max(largest, most[lane]);
        for (; i < bits.Length; i++)
            largest = T.Max(largest, bits[i] & mask);
        return largest;
    }

    private InvalidFileException NotFinite(int firstRow, int rows)
    {
        var buffer = new float[Columns];
        for (int row = firstRow; row < Math.Min(Rows, firstRow + rows); row++)
        {
            _checkpoint.Read(Tensor, (long)row * Columns, buffer);
            int column = Array.FindIndex(buffer, x => !float.IsFinite(x));
            if (column >= 0)
                return new InvalidFileException(_checkpoint.FileOf(Tensor), NotFiniteRule,
                    $"the weight at row {row}, column {column} is {buffer[column]}", "Repair the checkpoint, or leave this tensor as it is",
                    Tensor.Name);
        }
        throw new InvalidOperationException("no weight is out of range");
    }
}
