using System.Text;

namespace Vernier.Files.Tokenizers.Models;

/// <summary>The merges of byte-pair encoding: which pair of tokens becomes which, and which pair goes first.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<long, int> _ranks;
    private readonly int[] _results;
    private readonly Lazy<HashSet<(int First, int Second)>> _joints;

    /// <summary>Builds the table.</summary>
    /// <param name="merges">The merges, first rank first. Of the same pair given twice, the last counts.</param>
    /// <param name="vocabulary">The texts of the tokens.</param>
    public MergeTable(List<(int Left, int Right, int Result)> merges, Vocabulary vocabulary)
    {
        _ranks = new Dictionary<long, int>(merges.Count);
        _results = new int[merges.Count];
        for (int rank = 0; rank < merges.Count; rank++)
        {
            _ranks[Key(merges[rank].Left, merges[rank].Right)] = rank;
            _results[rank] = merges[rank].Result;
        }
        _joints = new Lazy<HashSet<(int, int)>>(() => FindJoints(vocabulary));
    }

    /// <summary>The rank of a pair.</summary>
    public bool TryGetRank(int left, int right, out int rank) => _ranks.TryGetValue(Key(left, right), out rank);

    /// <summary>The token that the merge of a rank makes.</summary>
    public int Result(int rank) => _results[rank];

    /// <summary>
    /// Whether two code points ever stand side by side in a token that a merge makes. Where they don't, no merge crosses
    /// from one to the other, and a word can be cut there without changing its tokens.
    /// </summary>
    public bool CanJoin(Rune first, Rune second) => _joints.Value.Contains((first.Value, second.Value));

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    private HashSet<(int First, int Second)> FindJoints(Vocabulary vocabulary)
    {
        var joints = new HashSet<(int, int)>();
        foreach (int token in _results)
        {
            int previous = -1;
            foreach (Rune rune in vocabulary.Text(token)!.EnumerateRunes())
            {
                if (previous >= 0)
                    joints.Add((previous, rune.Value));
                previous = rune.Value;
            }
        }
        return joints;
    }
}
