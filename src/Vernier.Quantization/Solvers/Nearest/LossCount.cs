using System.Numerics.Tensors;
using Vernier.Inference.Models;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers.Nearest;

/// <summary>Counts the groups of a matrix that are not zero and were read back as zeros, and the rows that were read back as much larger
/// numbers; rows come in any order, from any thread.</summary>
/// <param name="matrix">The matrix.</param>
/// <param name="groupColumns">The columns of a group; less than 1 where rows are the least that shares a scale.</param>
internal sealed class LossCount(WeightMatrix matrix, int groupColumns)
{
    // What rounding, and errors that are carried over within a row, do not come near.
    private const float FarTooLarge = 16;

    private readonly int _width = groupColumns < 1 ? matrix.Columns : groupColumns;
    private readonly (int Groups, bool All, float Largest)[] _rows = new (int, bool, float)[matrix.Rows];

    /// <summary>What was lost; null where nothing was.</summary>
    public LostNumbers? Total => Array.Exists(_rows, row => row.Groups > 0)
        ? new LostNumbers(matrix.Tensor.Name, _rows.Count(row => row.All), _rows.Sum(row => (long)row.Groups),
            _rows.Max(row => row.Largest))
        : null;

    /// <summary>Looks at a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="original">The weights.</param>
    /// <param name="quantized">What they were read back as.</param>
    public void Add(int row, ReadOnlySpan<float> original, ReadOnlySpan<float> quantized)
    {
        float all = Largest(original), back = Largest(quantized);
        if (back == 0 ? all > 0 : back > FarTooLarge * all)
        {
            _rows[row] = ((original.Length + _width - 1) / _width, true, all);
            return;
        }
        for (int first = 0; first < original.Length && back > 0 && _width < original.Length; first += _width)
        {
            int count = Math.Min(_width, original.Length - first);
            if (!quantized.Slice(first, count).ContainsAnyExcept(0f) && Largest(original.Slice(first, count)) is > 0 and float largest)
                _rows[row] = (_rows[row].Groups + 1, false, Math.Max(_rows[row].Largest, largest));
        }
    }

    private static float Largest(ReadOnlySpan<float> numbers) => Math.Abs(TensorPrimitives.MaxMagnitude(numbers));
}
