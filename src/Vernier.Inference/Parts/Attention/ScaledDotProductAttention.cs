using System.Numerics.Tensors;
using Vernier.Inference.Passes;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// softmax(q K^T / sqrt(d)) V for every query row and head (Vaswani et al., 2017): a query at position p sees the positions
/// from max(0, p - window + 1) to p of its own segment, with chunks only those of its chunk. Consecutive query heads share a key/value head
/// (Ainslie et al., 2023).
/// </summary>
internal static class ScaledDotProductAttention
{
    private const int Chunk = LayerCache.ChunkLength;

    /// <summary>Attends all rows of the pass. Keys and values of the pass are already in the stores.</summary>
    /// <param name="context">The pass.</param>
    /// <param name="shape">The heads.</param>
    /// <param name="scores">How scores become weights.</param>
    /// <param name="stores">The keys and values of each segment.</param>
    /// <param name="queries">The rotated queries, rows x (heads * head size).</param>
    /// <param name="output">Receives rows x (heads * head size).</param>
    public static void Run(ForwardContext context, AttentionShape shape, AttentionScores scores, ReadOnlyMemory<LayerState> stores,
        RowMatrix queries, RowMatrix output)
    {
        var work = new Work { Context = context, Shape = shape, Scores = scores, Stores = stores, Queries = queries, Output = output };
        context.Workers.Run(checked(context.RowBlocks.Count * shape.KeyValueHeads), ref work);
    }

    /// <summary>One key/value head for one block of rows.</summary>
    private struct Work : ITeamWork
    {
        public ForwardContext Context;
        public AttentionShape Shape;
        public AttentionScores Scores;
        public ReadOnlyMemory<LayerState> Stores;
        public RowMatrix Queries, Output;

        public readonly void Invoke(int index)
        {
            // The last blocks of a prompt have the most to do and come first.
            (int reversed, int head) = Math.DivRem(index, Shape.KeyValueHeads);
            ForwardContext.RowBlock block = Context.RowBlocks[Context.RowBlocks.Count - 1 - reversed];
            ForwardContext.Slot slot = Context[block.Segment];
            int first = slot.Position + block.First, last = first + block.Count - 1;
            var scope = new Scope((LayerCache)Stores.Span[block.Segment], head, Shape.FirstSeen(first) / Chunk * Chunk, last + 1, Scores);
            int group = Shape.Heads / Shape.KeyValueHeads, queryCount = block.Count * group;
            for (int query = 0; query < queryCount; query += AttentionKernel.MaxRows)
            {
                int count = Math.Min(AttentionKernel.MaxRows, queryCount - query);
                for (int i = 0; i < count; i++)
                {
                    (int row, int inGroup) = Math.DivRem(query + i, group);
                    ReadOnlySpan<float> vector = Queries.Row(slot.FirstRow + block.First + row, Shape.QueryWidth)
                        .Slice((head * group + inGroup) * Shape.HeadSize, Shape.HeadSize);
                    scope.Load(i, head * group + inGroup, vector, Shape.FirstSeen(first + row), first + row + 1);
                }
                scope.Attend(count);
                for (int i = 0; i < count; i++)
                {
                    (int row, int inGroup) = Math.DivRem(query + i, group);
                    scope.Result(i).CopyTo(Output.Row(slot.FirstRow + block.First + row, Shape.QueryWidth)
                        .Slice((head * group + inGroup) * Shape.HeadSize, Shape.HeadSize));
                }
            }
            scope.Return();
        }
    }

    /// <summary>Up to four queries of one key/value head and one segment, with their scratch memory.</summary>
    private readonly unsafe struct Scope
    {
        private readonly LayerCache _store;
        private readonly int _head, _headSize, _base, _stride, _resultOffset, _queryOffset, _scratchOffset;
        private readonly float _scale;
        private readonly AttentionScores _scores;
        private readonly PooledArray<float> _memory;
        private readonly PooledArray<int> _ranges;

        /// <summary>Rents memory for the scores of positions from, a multiple of the chunk, to end - 1.</summary>
        public Scope(LayerCache store, int head, int from, int end, AttentionScores scores)
        {
            (_store, _head, _headSize, _base, _scores) = (store, head, store.HeadSize, from, scores);
            _scale = (float)(scores.Scale ?? 1 / Math.Sqrt(store.HeadSize));
            _stride = checked((end - from + Chunk - 1) / Chunk * Chunk);
            _resultOffset = checked(AttentionKernel.MaxRows * _stride);
            _queryOffset = _resultOffset + AttentionKernel.MaxRows * store.ValueStride;
            _scratchOffset = _queryOffset + AttentionKernel.MaxRows * _headSize;
            _memory = new PooledArray<float>(_scratchOffset + store.ScratchLength);
            _ranges = new PooledArray<int>(3 * AttentionKernel.MaxRows);
        }

        public void Return()
        {
            _memory.Dispose();
            _ranges.Dispose();
        }

        private Span<float> Scratch => _memory.Span[_scratchOffset..];

        public ReadOnlySpan<float> Result(int query) => _memory.Span.Slice(_resultOffset + query * _store.ValueStride, _headSize);

        /// <summary>Sets query number i, of a head, which sees positions start to end - 1.</summary>
        public void Load(int i, int queryHead, ReadOnlySpan<float> query, int start, int end)
        {
            TensorPrimitives.Multiply(query, _scale, _memory.Span.Slice(_queryOffset + i * _headSize, _headSize));
            (_ranges.Span[2 * i], _ranges.Span[2 * i + 1], _ranges.Span[2 * AttentionKernel.MaxRows + i]) = (start, end, queryHead);
        }

        public void Attend(int count)
        {
            // In ascending order of rows both ends ascend, so the first starts and the last ends the union,
            // and what all see is from the last's start to the first's end.
            Span<int> ranges = _ranges.Span;
            int start = ranges[0], end = ranges[2 * count - 1];
            int commonStart = ranges[2 * count - 2], commonEnd = ranges[1];
            Score(count, start, end);
            Span<float> results = _memory.Span.Slice(_resultOffset, count * _store.ValueStride);
            results.Clear();
            Span<float> sums = stackalloc float[AttentionKernel.MaxRows];
            for (int i = 0; i < count; i++)
                sums[i] = Exponentiate(_memory.Span.Slice(i * _stride + ranges[2 * i] - _base, ranges[2 * i + 1] - ranges[2 * i]),
                    ranges[2 * AttentionKernel.MaxRows + i]);
            commonEnd = Math.Max(commonStart, commonEnd);
            for (int i = 0; i < count; i++)
                Weigh(i, 1, ranges[2 * i], Math.Min(commonStart, ranges[2 * i + 1]));
            if (ranges[1] > commonStart)
                Weigh(0, count, commonStart, commonEnd);
            for (int i = 0; i < count; i++)
                Weigh(i, 1, Math.Max(commonEnd, ranges[2 * i]), ranges[2 * i + 1]);
            for (int i = 0; i < count; i++)
            {
                Span<float> result = results.Slice(i * _store.ValueStride, _headSize);
                TensorPrimitives.Multiply(result, 1 / sums[i], result);
            }
        }

        /// <summary>The scores of all queries for every position of the chunks between; what a query doesn't see is never read.</summary>
        private void Score(int count, int start, int end)
        {
            Touch.Rows<float>(_memory.Span, _queryOffset, count, _headSize, _headSize);
            fixed (float* memory = _memory.Span)
            {
                for (int chunk = start / Chunk; chunk * Chunk < end; chunk++)
                {
                    Touch.Rows<float>(_memory.Span, chunk * Chunk - _base, count, Chunk, _stride);
                    ReadOnlySpan<float> stored = _store.Keys(chunk, _head, Scratch);
                    Touch.Range(stored, 0, _headSize * Chunk);
                    float* scores = memory + chunk * Chunk - _base;
                    for (int i = 0; i < count; i++)
                        new Span<float>(scores + i * _stride, Chunk).Clear();
                    fixed (float* keys = stored)
                        AttentionKernel.MultiplyAdd(memory + _queryOffset, _headSize, keys, Chunk, scores, _stride, count, _headSize,
                            Chunk);
                }
            }
        }

        /// <summary>Scores of a head become exp(score - max); returns their sum.</summary>
        private float Exponentiate(Span<float> scores, int head)
        {
            if (_scores.SoftCap > 0)
            {
                TensorPrimitives.Multiply(scores, 1 / _scores.SoftCap, scores);
                TensorPrimitives.Tanh(scores, scores);
                TensorPrimitives.Multiply(scores, _scores.SoftCap, scores);
            }
            if (_scores.Slopes.Count > 0)
            {
                // From the last position on, so that nothing large is added: softmax does not see what all have more.
                float slope = _scores.Slopes[head];
                for (int i = 0; i < scores.Length; i++)
                    scores[i] += slope * (i - scores.Length + 1);
            }
            float largest = TensorPrimitives.Max<float>(scores);
            float? sink = _scores.Sinks.Count > 0 ? _scores.Sinks[head] : null;
            largest = Math.Max(largest, sink ?? largest);
            TensorPrimitives.Subtract(scores, largest, scores);
            TensorPrimitives.Exp(scores, scores);
            return RowMath.Sum(scores) + (sink is float place ? MathF.Exp(place - largest) : 0);
        }

        /// <summary>Adds the values of positions from to end - 1, weighted, to the results of some queries.</summary>
        private void Weigh(int query, int count, int from, int end)
        {
            int stride = _store.ValueStride;
            Touch.Rows<float>(_memory.Span, _resultOffset + query * stride, count, stride, stride);
            fixed (float* memory = _memory.Span)
            {
                for (int position = from; position < end;)
                {
                    (int chunk, int place) = Math.DivRem(position, Chunk);
                    int terms = Math.Min(end - position, Chunk - place);
                    ReadOnlySpan<float> stored = _store.Values(chunk, _head, Scratch);
                    Touch.Rows(stored, place * stride, terms, stride, stride);
                    Touch.Rows<float>(_memory.Span, query * _stride + position - _base, count, terms, _stride);
                    fixed (float* values = stored)
                    {
                        AttentionKernel.MultiplyAdd(memory + query * _stride + position - _base, _stride, values + place * stride, stride,
                            memory + _resultOffset + query * stride, stride, count, terms, stride);
                    }
                    position += terms;
                }
            }
        }
    }
}
