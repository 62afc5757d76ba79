using System.Text;

namespace Vernier.Files.Tokenizers.Unicode;

/// <summary>
/// The normalization forms of Unicode Standard Annex 15. The runtime's own <see cref="string.Normalize()"/> does nothing in
/// the invariant culture, and needs a native library elsewhere.
/// </summary>
internal static class UnicodeNormalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int VowelCount = 21, TailCount = 28, HangulCount = 19 * VowelCount * TailCount;

    private static readonly Lazy<UnicodeNormalizationData> Data = new(UnicodeNormalizationData.Load);

    /// <summary>Normalizes well-formed text: NFD, NFC, NFKD or NFKC.</summary>
    /// <param name="text">The text.</param>
    /// <param name="compose">Composes after decomposing: NFC and NFKC.</param>
    /// <param name="compatibility">Decomposes compatibility characters too: NFKD and NFKC.</param>
    public static string Normalize(string text, bool compose, bool compatibility)
    {
        // Below these code points nothing decomposes for good, reorders, or joins with what is before it.
        char safe = compatibility ? '\u00A0' : compose ? '\u0300' : '\u00C0';
        int first = text.AsSpan().IndexOfAnyInRange(safe, '\uFFFF');
        if (first < 0)
            return text;
        var result = new StringBuilder(text.Length);
        int done = 0;
        for (int index = first; index >= 0;)
        {
            // A stretch that isn't safe, with the character before it, that it may join.
            int start = Math.Max(done, index - 1);
            int length = text.AsSpan(index).IndexOfAnyExceptInRange(safe, '\uFFFF');
            int end = length < 0 ? text.Length : index + length;
            result.Append(text, done, start - done);
            Append(text.AsSpan(start, end - start), compose, compatibility, result);
            done = end;
            int next = text.AsSpan(end).IndexOfAnyInRange(safe, '\uFFFF');
            index = next < 0 ? -1 : end + next;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }

    private static void Append(ReadOnlySpan<char> text, bool compose, bool compatibility, StringBuilder result)
    {
        UnicodeNormalizationData data = Data.Value;
        List<int> points = Decompose(text, compatibility, data);
        Reorder(points, data);
        if (compose)
            Compose(points, data);
        Span<char> units = stackalloc char[2];
        foreach (int point in points)
            result.Append(units[..new Rune(point).EncodeToUtf16(units)]);
    }

    private static List<int> Decompose(ReadOnlySpan<char> text, bool compatibility, UnicodeNormalizationData data)
    {
        var points = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            int point = rune.Value;
            int syllable = point - HangulBase;
            if ((uint)syllable < HangulCount)
            {
                points.Add(LeadBase + syllable / (VowelCount * TailCount));
                points.Add(VowelBase + syllable % (VowelCount * TailCount) / TailCount);
                if (syllable % TailCount != 0)
                    points.Add(TailBase + syllable % TailCount);
            }
            else if (data.Decompose(point, compatibility) is { } parts)
            {
                points.AddRange(parts);
            }
            else
            {
                points.Add(point);
            }
        }
        return points;
    }

    /// <summary>Sorts each run of combining characters by class, keeping the order within a class.</summary>
    private static void Reorder(List<int> points, UnicodeNormalizationData data)
    {
        for (int start = 0; start < points.Count; start++)
        {
            if (data.CombiningClass(points[start]) == 0)
                continue;
            int end = start + 1;
            bool sorted = true;
            for (int previous = data.CombiningClass(points[start]); end < points.Count; end++)
            {
                int current = data.CombiningClass(points[end]);
                if (current == 0)
                    break;
                sorted &= previous <= current;
                previous = current;
            }
            if (!sorted)
            {
                int[] run = [.. points[start..end].OrderBy(data.CombiningClass)];
                for (int i = 0; i < run.Length; i++)
                    points[start + i] = run[i];
            }
            start = end;
        }
    }

    /// <summary>Joins each character with the last starter before it, unless one of the same or a higher class stands between.</summary>
    private static void Compose(List<int> points, UnicodeNormalizationData data)
    {
        int written = 0, starter = -1, lastClass = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int combiningClass = data.CombiningClass(point);
            bool adjacent = starter == written - 1;
            if (starter >= 0 && (adjacent || (lastClass < combiningClass && lastClass != 0))
                && TryCompose(points[starter], point, data, out int composed))
            {
                points[starter] = composed;
                continue;
            }
            if (combiningClass == 0)
                starter = written;
            lastClass = combiningClass;
            points[written++] = point;
        }
        points.RemoveRange(written, points.Count - written);
    }

    private static bool TryCompose(int first, int second, UnicodeNormalizationData data, out int composed)
    {
        int lead = first - LeadBase, vowel = second - VowelBase;
        if ((uint)lead < 19 && (uint)vowel < VowelCount)
        {
            composed = HangulBase + (lead * VowelCount + vowel) * TailCount;
            return true;
        }
        int syllable = first - HangulBase, tail = second - TailBase;
        if ((uint)syllable < HangulCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
        {
            composed = first + tail;
            return true;
        }
        return data.TryCompose(first, second, out composed);
    }
}
