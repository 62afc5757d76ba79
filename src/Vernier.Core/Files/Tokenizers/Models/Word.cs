namespace Vernier.Files.Tokenizers.Models;

/// <summary>The symbols of one word as a linked list, merged pair by pair. Used again for word after word of one text.</summary>
internal sealed class Word
{
    private const int Removed = -1;

    private readonly MergeQueue _queue = new();
    private int[] _tokens = new int[64];
    private int[] _next = new int[64];
    private int[] _previous = new int[64];
    private int _count;

    /// <summary>Begins a new word.</summary>
    public void Clear() => _count = 0;

    /// <summary>Appends a symbol.</summary>
    public void Add(int token)
    {
        if (_count == _tokens.Length)
        {
            int size = checked(_count * 2);
            Array.Resize(ref _tokens, size);
            Array.Resize(ref _next, size);
            Array.Resize(ref _previous, size);
        }
        _tokens[_count] = token;
        _previous[_count] = _count - 1;
        _next[_count] = _count + 1;
        _count++;
    }

    /// <summary>Applies the merges, the lowest rank first and the leftmost of a rank first: O(n log n) in the symbols.</summary>
    public void Merge(MergeTable merges)
    {
        _queue.Clear();
        for (int i = 0; i + 1 < _count; i++)
            Enqueue(i, i + 1, merges);
        while (_queue.TryTake(out int rank, out int left))
        {
            int token = merges.Result(rank);
            int right = _tokens[left] == Removed ? _count : _next[left];
            // The pair may have changed since it was queued; what counts is that it still makes the same token.
            if (right == _count || !merges.TryGetRank(_tokens[left], _tokens[right], out int current) || merges.Result(current) != token)
                continue;
            _tokens[left] = token;
            _tokens[right] = Removed;
            int next = _next[left] = _next[right];
            if (next < _count)
            {
                _previous[next] = left;
                Enqueue(left, next, merges);
            }
            if (_previous[left] >= 0)
                Enqueue(_previous[left], left, merges);
        }
    }

    /// <summary>Appends the ids of the symbols that are left.</summary>
    public void CopyTo(List<int> ids)
    {
        for (int i = 0; i < _count; i = _next[i])
            ids.Add(_tokens[i]);
    }

    private void Enqueue(int left, int right, MergeTable merges)
    {
        if (merges.TryGetRank(_tokens[left], _tokens[right], out int rank))
            _queue.Add(rank, left);
    }
}
