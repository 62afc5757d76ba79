namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>
/// Parses and compiles the regular expressions that tokenizers use: literals, sets, <c>.</c>, the escapes of classes and
/// categories, groups, <c>(?:)</c>, <c>(?i:)</c>, alternatives, greedy and lazy repetition, look-ahead at one code point.
/// Whatever else there is throws a <see cref="FormatException"/>.
/// </summary>
internal sealed class RegexParser(string expression)
{
    private const int MaxProgram = 512;
    private const int MaxDepth = 64;

    private readonly RegexSetParser _sets = new(expression);
    private int _depth;

    /// <summary>Compiles the whole expression.</summary>
    public List<RegexInstruction> Parse()
    {
        Fragment whole = Alternatives(ignoreCase: false);
        return _sets.AtEnd ? whole.Program : throw Unsupported("an unmatched ')'");
    }

    private Fragment Alternatives(bool ignoreCase)
    {
        if (++_depth > MaxDepth)
            throw Unsupported("groups nested too deeply");
        Fragment left = Sequence(ignoreCase);
        if (_sets.TryTake('|'))
        {
            Fragment right = Alternatives(ignoreCase);
            _depth--;
            return Checked(new Fragment(
                [Split(1, left.Program.Count + 2, lazy: false), .. left.Program, Jump(right.Program.Count + 1), .. right.Program],
                left.CanBeEmpty || right.CanBeEmpty));
        }
        _depth--;
        return left;
    }

    private Fragment Sequence(bool ignoreCase)
    {
        var program = new List<RegexInstruction>();
        bool canBeEmpty = true;
        while (!_sets.AtEnd && _sets.Current is not ('|' or ')'))
        {
            Fragment part = Repeated(Atom(ignoreCase));
            program.AddRange(part.Program);
            canBeEmpty &= part.CanBeEmpty;
            Checked(new Fragment(program, canBeEmpty));
        }
        return new Fragment(program, canBeEmpty);
    }

    private Fragment Atom(bool ignoreCase)
    {
        if (!_sets.TryTake('('))
            return new Fragment([new RegexInstruction(RegexOperation.Read, _sets.Single(ignoreCase))], CanBeEmpty: false);
        RegexOperation? look = null;
        if (_sets.TryTake('?'))
        {
            if (_sets.TryTake('='))
                look = RegexOperation.Ahead;
            else if (_sets.TryTake('!'))
                look = RegexOperation.NotAhead;
            else if (_sets.TryTake('i'))
                ignoreCase = true;
            if (look is null && !_sets.TryTake(':'))
                throw Unsupported("a group of this kind");
        }
        Fragment inner = Alternatives(ignoreCase);
        if (!_sets.TryTake(')'))
            throw Unsupported("an unmatched '('");
        if (look is null)
            return inner;
        if (inner.Program.Count != 1 || inner.Program[0].Operation != RegexOperation.Read)
            throw Unsupported("look-ahead at more than one character");
        return new Fragment([inner.Program[0] with { Operation = look.Value }], CanBeEmpty: true);
    }

    private Fragment Repeated(Fragment atom)
    {
        if (_sets.AtEnd)
            return atom;
        int least, most;
        switch (_sets.Current)
        {
            case '*':
                (least, most) = (0, int.MaxValue);
                break;
            case '+':
                (least, most) = (1, int.MaxValue);
                break;
            case '?':
                (least, most) = (0, 1);
                break;
            case '{':
                (least, most) = _sets.Bounds();
                break;
            default:
                return atom;
        }
        _sets.Skip();
        bool lazy = _sets.TryTake('?');
        // Engines disagree on {n}?: some take it for lazy, some for an option.
        if (lazy && least == most)
            throw Unsupported("'?' after a fixed number of repetitions");
        if (!_sets.AtEnd && _sets.Current is '*' or '+' or '?' or '{')
            throw Unsupported("possessive repetition, or repetition of a repetition");
        if (atom.CanBeEmpty)
            throw Unsupported("repetition of something that can be empty");
        return Repeat(atom, least, most, lazy);
    }

    private Fragment Repeat(Fragment atom, int least, int most, bool lazy)
    {
        var program = new List<RegexInstruction>();
        int size = atom.Program.Count;
        for (int i = 0; i < least; i++)
            Checked(new Fragment(program, false)).Program.AddRange(atom.Program);
        if (most == int.MaxValue)
        {
            program.AddRange([Split(1, size + 2, lazy), .. atom.Program, Jump(-size - 1)]);
        }
        else
        {
            // Each further repetition is tried only after the one before: a way out leads past all of them.
            for (int left = most - least; left > 0; left--)
                Checked(new Fragment(program, false)).Program.AddRange(
                    [Split(1, (int)Math.Min((long)left * (size + 1), int.MaxValue), lazy), .. atom.Program]);
        }
        return Checked(new Fragment(program, least == 0));
    }

    private static RegexInstruction Split(int first, int second, bool lazy) =>
        new(RegexOperation.Split, First: lazy ? second : first, Second: lazy ? first : second);

    private static RegexInstruction Jump(int distance) => new(RegexOperation.Jump, First: distance);

    private Fragment Checked(Fragment fragment) =>
        fragment.Program.Count <= MaxProgram ? fragment : throw Unsupported("more parts than any tokenizer needs");

    private FormatException Unsupported(string what) => _sets.Unsupported(what);

    /// <summary>A compiled part.</summary>
    private readonly record struct Fragment(List<RegexInstruction> Program, bool CanBeEmpty);
}
