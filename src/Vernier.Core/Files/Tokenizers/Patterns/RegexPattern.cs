using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>
/// A regular expression over code points, matched leftmost and by priority as Perl, Oniguruma and .NET do, in linear time:
/// no choice is tried twice at the same place, as whether it fails there doesn't depend on how it was reached. The engine
/// of .NET sees two surrogates where a letter of a supplementary plane stands, and can take exponential time or refuses
/// look-ahead.
/// </summary>
internal sealed class RegexPattern : IPattern
{
    private readonly RegexInstruction[] _program;
    private readonly int[] _choiceOf;
    private readonly int _choices;

    /// <summary>Compiles an expression.</summary>
    /// <exception cref="FormatException">The expression is wrong or uses something unsupported; the message says what.</exception>
    public RegexPattern(string expression)
    {
        _program = [.. new RegexParser(expression).Parse()];
        _choiceOf = new int[_program.Length];
        for (int i = 0; i < _program.Length; i++)
            _choiceOf[i] = _program[i].Operation == RegexOperation.Split ? _choices++ : -1;
    }

    /// <inheritdoc/>
    public void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches)
    {
        var tried = new ulong[((long)(text.Length + 1) * _choices + 63) / 64];
        var pending = new List<(int Instruction, int Position)>();
        int start = 0, lastEnd = -1;
        while (start <= text.Length)
        {
            int end = Match(text, start, tried, pending);
            // An empty match where the last one ended says nothing new.
            if (end >= 0 && !(end == start && start == lastEnd))
            {
                matches.Add(new PatternMatch(start, end - start));
                lastEnd = end;
            }
            start = end > start ? end : Next(text, start);
        }
    }

    private static int Next(ReadOnlySpan<char> text, int index)
    {
        if (index == text.Length)
            return index + 1;
        Rune.DecodeFromUtf16(text[index..], out _, out int units);
        return index + units;
    }

    /// <summary>The end of the match that begins at an index, or -1.</summary>
    private int Match(ReadOnlySpan<char> text, int start, ulong[] tried, List<(int Instruction, int Position)> pending)
    {
        pending.Clear();
        pending.Add((0, start));
        while (pending.Count > 0)
        {
            (int instruction, int position) = CollectionsMarshal.AsSpan(pending)[^1];
            pending.RemoveAt(pending.Count - 1);
            if (!Run(text, ref instruction, ref position, tried, pending))
                continue;
            // What was tried on the way of a match hasn't failed, and can be of use where the match ended.
            for (int choice = 0; choice < _choices; choice++)
                Clear(tried, (long)position * _choices + choice);
            return position;
        }
        return -1;
    }

    /// <summary>Follows one way to its end; true where that is a match.</summary>
    private bool Run(ReadOnlySpan<char> text, ref int instruction, ref int position, ulong[] tried,
        List<(int Instruction, int Position)> pending)
    {
        while (instruction < _program.Length)
        {
            RegexInstruction now = _program[instruction];
            switch (now.Operation)
            {
                case RegexOperation.Jump:
                    instruction += now.First;
                    break;
                case RegexOperation.Split:
                    if (!TrySet(tried, (long)position * _choices + _choiceOf[instruction]))
                        return false;
                    pending.Add((instruction + now.Second, position));
                    instruction += now.First;
                    break;
                default:
                    int units = 0;
                    bool inSet = position < text.Length
                        && Rune.DecodeFromUtf16(text[position..], out Rune rune, out units) == System.Buffers.OperationStatus.Done
                        && now.Set!.Contains(rune);
                    if (inSet == (now.Operation == RegexOperation.NotAhead))
                        return false;
                    if (now.Operation == RegexOperation.Read)
                        position += units;
                    instruction++;
                    break;
            }
        }
        return true;
    }

    private static bool TrySet(ulong[] bits, long index)
    {
        ref ulong word = ref bits[index >> 6];
        ulong bit = 1UL << (int)(index & 63);
        bool isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    private static void Clear(ulong[] bits, long index) => bits[index >> 6] &= ~(1UL << (int)(index & 63));
}
