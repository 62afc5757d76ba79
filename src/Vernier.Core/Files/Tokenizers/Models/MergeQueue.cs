namespace Vernier.Files.Tokenizers.Models;

/// <summary>A binary heap of merges that are possible in a word: the lowest rank first, then the leftmost.</summary>
internal sealed class MergeQueue
{
    // A key is the rank in the high half and the position in the low half.
    private long[] _keys = new long[64];
    private int _count;

    /// <summary>Empties the heap.</summary>
    public void Clear() => _count = 0;

    /// <summary>Adds a merge.</summary>
    public void Add(int rank, int position)
    {
        if (_count == _keys.Length)
            Array.Resize(ref _keys, checked(_count * 2));
        long key = ((long)rank << 32) | (uint)position;
        int child = _count++;
        while (child > 0)
        {
            int parent = (child - 1) >> 1;
            if (_keys[parent] <= key)
                break;
            _keys[child] = _keys[parent];
            child = parent;
        }
        _keys[child] = key;
    }

    /// <summary>Takes the first merge; false where there is none.</summary>
    public bool TryTake(out int rank, out int position)
    {
        if (_count == 0)
        {
            rank = position = 0;
            return false;
        }
        rank = (int)(_keys[0] >> 32);
        position = (int)_keys[0];
        long last = _keys[--_count];
        int parent = 0;
        while (true)
        {
            int child = 2 * parent + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && _keys[child + 1] < _keys[child])
                child++;
            if (_keys[child] >= last)
                break;
            _keys[parent] = _keys[child];
            parent = child;
        }
        _keys[parent] = last;
        return true;
    }
}
