using System.Globalization;
using System.Text;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>A set of code points, as in <c>[^\s\p{L}0-9]</c>.</summary>
internal sealed class RuneSet
{
    private readonly List<(int First, int Last)> _ranges = [];
    private readonly List<RuneSet> _sets = [];
    private uint _categories;
    private bool _word;
    private bool _whitespace;

    /// <summary>Whether the set is all that isn't in it.</summary>
    public bool Negated { get; set; }

    /// <summary>Whether a code point is in the set when another case of it is.</summary>
    public bool IgnoreCase { get; init; }

    /// <summary>Adds a range.</summary>
    public void AddRange(int first, int last) => _ranges.Add((first, last));

    /// <summary>Adds another set.</summary>
    public void AddSet(RuneSet set) => _sets.Add(set);

    /// <summary>Adds <c>\w</c> as Oniguruma has it: without the joiners, with the superscripts and fractions of Latin-1.</summary>
    public void AddWord() => _word = true;

    /// <summary>Adds <c>\s</c>.</summary>
    public void AddWhitespace() => _whitespace = true;

    /// <summary>Adds a general category by its name of one or two letters; false where there is none of that name.</summary>
    public bool TryAddCategory(string name)
    {
        // In the order of UnicodeCategory.
        const string names = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cn";
        uint found = 0;
        for (int category = 0; category <= (int)UnicodeCategory.OtherNotAssigned && name.Length is 1 or 2; category++)
        {
            if (names.AsSpan(3 * category, 2).StartsWith(name, StringComparison.Ordinal))
                found |= 1u << category;
        }
        _categories |= found;
        return found != 0;
    }

    /// <summary>Whether a code point is in the set.</summary>
    public bool Contains(Rune rune)
    {
        bool found = Has(rune);
        if (!found && IgnoreCase)
        {
            found = Has(Rune.ToLowerInvariant(rune)) || Has(Rune.ToUpperInvariant(rune)) || rune.Value switch
            {
                'S' or 's' => Has(new Rune('\u017F')),
                'K' or 'k' => Has(new Rune('\u212A')),
                '\u017F' => Has(new Rune('s')) || Has(new Rune('S')),
                '\u212A' => Has(new Rune('k')) || Has(new Rune('K')),
                _ => false,
            };
        }
        return found != Negated;
    }

    private static bool IsWord(Rune rune) => rune.Value switch
    {
        0xB2 or 0xB3 or 0xB9 or 0xBC or 0xBD or 0xBE => true,
        0x200C or 0x200D => false,
        _ => CharacterClasses.IsWord(rune),
    };

    private bool Has(Rune rune)
    {
        foreach ((int first, int last) in _ranges)
        {
            if (rune.Value >= first && rune.Value <= last)
                return true;
        }
        if ((_categories >> (int)Rune.GetUnicodeCategory(rune) & 1) != 0)
            return true;
        if ((_whitespace && Rune.IsWhiteSpace(rune)) || (_word && IsWord(rune)))
            return true;
        foreach (RuneSet set in _sets)
        {
            if (set.Contains(rune))
                return true;
        }
        return false;
    }
}
