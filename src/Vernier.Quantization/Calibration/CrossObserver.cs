using Vernier.Numerics;
using Vernier.Quantization.Networks;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// Adds up D = sum of (y - x) x^T for the input of one group of layers, with y from another network: of each batch first the rows y are
/// shown to <see cref="Reference"/>,
/// then the rows x to this. Rows are paired by their samples. A row that the other network did not send here counts as one that has not
/// changed, y = x.
/// </summary>
/// <param name="columns">C.</param>
/// <param name="workers">Who adds up; null for all processors.</param>
internal sealed class CrossObserver(int columns, Workers? workers = null) : IActivationObserver
{
    private readonly ReferenceRows _reference = new(columns);
    private readonly List<int> _paired = [];

    // Where in the reference the next row is looked for first: in a network without routing it is there.
    private int _next;

    /// <summary>D so far.</summary>
    public CrossGram Cross { get; } = new(columns, workers ?? Workers.Shared);

    /// <summary>Who is shown the rows y of the batch that comes next.</summary>
    public IActivationObserver Reference => _reference;

    /// <summary>Begins a batch: the rows y of the last one are forgotten.</summary>
    public void BeginBatch()
    {
        _reference.Clear();
        _next = 0;
    }

    /// <inheritdoc/>
    public void Observe(in GroupInput input)
    {
        if (_reference.Ids(_next, input.Rows).SequenceEqual(input.Ids))
        {
            Cross.Add(_reference.Values(_next, input.Rows), input.Values, input.Rows);
            _next += input.Rows;
            return;
        }
        _paired.Clear();
        for (int row = 0; row < input.Rows; row++)
        {
            if (_reference.Find(input.Ids[row]) >= 0)
                _paired.Add(row);
        }
        var expected = new float[_paired.Count * columns];
        var actual = new float[expected.Length];
        for (int i = 0; i < _paired.Count; i++)
        {
            _reference.Values(_reference.Find(input.Ids[_paired[i]]), 1).CopyTo(expected.AsSpan(i * columns));
            input.Row(_paired[i]).CopyTo(actual.AsSpan(i * columns));
        }
        Cross.Add(expected, actual, _paired.Count);
    }

    /// <summary>The rows of a batch in the other network, by sample.</summary>
    private sealed class ReferenceRows(int columns) : IActivationObserver
    {
        private readonly List<SampleId> _ids = [];
        private Dictionary<SampleId, int>? _places;
        private float[] _values = [];

        public void Clear()
        {
            _ids.Clear();
            _places = null;
        }

        public void Observe(in GroupInput input)
        {
            int length = _ids.Count * columns, all = checked(length + input.Values.Length);
            if (_values.Length < all)
                Array.Resize(ref _values, Math.Max(all, 2 * length));
            input.Values.CopyTo(_values.AsSpan(length));
            _ids.AddRange(input.Ids);
        }

        /// <summary>The samples of rows; fewer where the batch has no more.</summary>
        public ReadOnlySpan<SampleId> Ids(int first, int count) =>
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ids).Slice(first, Math.Min(count, _ids.Count - first));

        public ReadOnlySpan<float> Values(int first, int count) => _values.AsSpan(first * columns, count * columns);

        /// <summary>The place of a sample; -1 where it is not among the rows.</summary>
        public int Find(SampleId id)
        {
            _places ??= _ids.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
            return _places.GetValueOrDefault(id, -1);
        }
    }
}
