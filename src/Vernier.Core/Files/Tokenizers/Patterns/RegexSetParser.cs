using System.Globalization;
using System.Text;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>The cursor over a regular expression, and the parts of it that stand for one code point.</summary>
internal sealed class RegexSetParser(string expression)
{
    private int _index;

    /// <summary>Whether all has been read.</summary>
    public bool AtEnd => _index >= expression.Length;

    /// <summary>The next character.</summary>
    public char Current => AtEnd ? throw Unsupported("an end where more is needed") : expression[_index];

    /// <summary>Passes one character.</summary>
    public void Skip() => _index++;

    /// <summary>Passes a character if it is next.</summary>
    public bool TryTake(char c)
    {
        if (AtEnd || expression[_index] != c)
            return false;
        _index++;
        return true;
    }

    /// <summary>The error that something isn't supported.</summary>
    public FormatException Unsupported(string what) =>
        new($"{what} isn't supported in a regular expression (near character {Math.Min(_index, expression.Length) + 1} of "
            + $"'{Shortened()}')");

    /// <summary>Reads <c>{m}</c>, <c>{m,}</c> or <c>{m,n}</c> up to the closing brace, which is next.</summary>
    public (int Least, int Most) Bounds()
    {
        Skip();
        int close = expression.IndexOf('}', _index);
        string[] bounds = close < 0 ? [] : expression[_index..close].Split(',');
        if (bounds.Length is 1 or 2 && Parse(bounds[0], out int least))
        {
            int most = bounds.Length == 1 ? least : int.MaxValue;
            bool known = bounds.Length == 1 || bounds[1].Length == 0 || Parse(bounds[1], out most);
            if (known && least <= Math.Min(most, 1000) && most is <= 1000 or int.MaxValue)
            {
                _index = close;
                return (least, most);
            }
        }
        throw Unsupported("a brace that isn't {m}, {m,} or {m,n} with numbers up to 1000");

        static bool Parse(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Reads a literal, an escape, a dot or a set in brackets.</summary>
    public RuneSet Single(bool ignoreCase)
    {
        var set = new RuneSet { IgnoreCase = ignoreCase };
        switch (Current)
        {
            case '[':
                Skip();
                Brackets(set);
                break;
            case '.':
                Skip();
                set.AddRange('\n', '\n');
                set.Negated = true;
                break;
            case '\\':
                if (Escape(set) is int literal)
                    set.AddRange(literal, literal);
                break;
            case '*' or '+' or '?' or '{' or '}' or ')' or ']' or '^' or '$':
                throw Unsupported($"'{Current}' at this place");
            default:
                int rune = TakeRune();
                set.AddRange(rune, rune);
                break;
        }
        return set;
    }

    private void Brackets(RuneSet set)
    {
        set.Negated = TryTake('^');
        for (bool first = true; first || Current != ']'; first = false)
        {
            int? low = Element(set);
            if (low is null || Current != '-' || (_index + 1 < expression.Length && expression[_index + 1] == ']'))
            {
                if (low is int single)
                    set.AddRange(single, single);
                continue;
            }
            Skip();
            if (Element(set) is not int high || high < low)
                throw Unsupported("a range like this");
            set.AddRange(low.Value, high);
        }
        Skip();
    }

    /// <summary>Reads a code point, or null where a class was read and added.</summary>
    private int? Element(RuneSet set)
    {
        if (Current == '\\')
            return Escape(set);
        if (Current is '[' or ']' || (Current == '&' && expression.AsSpan(_index).StartsWith("&&")))
            throw Unsupported("a set within a set");
        return TakeRune();
    }

    /// <summary>Reads an escape: a code point, or null where a class was added to the set.</summary>
    private int? Escape(RuneSet set)
    {
        Skip();
        char c = Current;
        if (!char.IsAsciiLetterOrDigit(c))
            return TakeRune();
        Skip();
        switch (c)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'x':
                return Current == '{' ? Hex(expression.IndexOf('}', _index) - _index - 1, braces: true) : Hex(2, braces: false);
            case 'u':
                return Hex(4, braces: false);
            case 'p' or 'P':
                AddClass(set, c == 'P', Category);
                return null;
            case 's' or 'S':
                AddClass(set, c == 'S', part => part.AddWhitespace());
                return null;
            case 'w' or 'W':
                AddClass(set, c == 'W', part => part.AddWord());
                return null;
            case 'd' or 'D':
                AddClass(set, c == 'D', part => part.TryAddCategory("Nd"));
                return null;
            default:
                throw Unsupported($"the escape '\\{c}'");
        }
    }

    private static void AddClass(RuneSet set, bool negated, Action<RuneSet> fill)
    {
        var part = new RuneSet { Negated = negated };
        fill(part);
        set.AddSet(part);
    }

    /// <summary>Reads <c>{L}</c>, <c>{Lu}</c> or <c>{^L}</c>.</summary>
    private void Category(RuneSet set)
    {
        int close = TryTake('{') ? expression.IndexOf('}', _index) : -1;
        if (close < 0)
            throw Unsupported("a property without braces");
        if (TryTake('^'))
            set.Negated = !set.Negated;
        string name = expression[_index..close];
        if (!set.TryAddCategory(name))
            throw Unsupported($"the property '{(name.Length > 40 ? name[..40] : name)}'");
        _index = close + 1;
    }

    private int Hex(int digits, bool braces)
    {
        if (braces)
            Skip();
        if (digits is < 1 or > 6 || _index + digits > expression.Length
            || !int.TryParse(expression.AsSpan(_index, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            || !Rune.IsValid(value))
            throw Unsupported("a code point like this");
        _index += digits + (braces ? 1 : 0);
        return value;
    }

    private int TakeRune()
    {
        Rune.DecodeFromUtf16(expression.AsSpan(_index), out Rune rune, out int units);
        _index += units;
        return rune.Value;
    }

    private string Shortened() => expression.Length <= 200 ? expression : expression[..200] + "…";
}
