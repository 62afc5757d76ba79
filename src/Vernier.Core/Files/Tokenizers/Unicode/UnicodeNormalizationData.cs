using System.Globalization;

namespace Vernier.Files.Tokenizers.Unicode;

/// <summary>The tables of the Unicode Character Database that normalization needs, read from <c>normalization.txt</c>.</summary>
internal sealed class UnicodeNormalizationData
{
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatibility = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, byte> _classes = [];

    /// <summary>Reads the tables.</summary>
    public static UnicodeNormalizationData Load()
    {
        const string name = "Vernier.Files.Tokenizers.Unicode.normalization.txt";
        using Stream stream = typeof(UnicodeNormalizationData).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the resource {name} is missing from the assembly");
        using var reader = new StreamReader(stream);
        var data = new UnicodeNormalizationData();
        var composites = new Dictionary<string, int>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            int mark = line.AsSpan().IndexOfAny("=!~-:");
            if (line.StartsWith('#') || mark < 0)
                continue;
            if (line[mark] is '-' or ':')
                data.AddClasses(line);
            else
                data.AddDecomposition(Hex(line[..mark]), line[mark], line[(mark + 1)..], composites);
        }
        data.AddCompositions(composites);
        return data;
    }

    /// <summary>The full decomposition of a code point, or null where it has none.</summary>
    public int[]? Decompose(int point, bool compatibility) =>
        (compatibility ? _compatibility.GetValueOrDefault(point) : null) ?? _canonical.GetValueOrDefault(point);

    /// <summary>The canonical combining class, 0 to 254.</summary>
    public int CombiningClass(int point) => point < 0x300 ? 0 : _classes.GetValueOrDefault(point);

    /// <summary>The primary composite of two code points, if there is one.</summary>
    public bool TryCompose(int first, int second, out int composed) => _compositions.TryGetValue((first, second), out composed);

    private void AddDecomposition(int point, char kind, string parts, Dictionary<string, int> composites)
    {
        (kind == '~' ? _compatibility : _canonical).Add(point, [.. parts.Split(' ').Select(Hex)]);
        if (kind == '=')
            composites.Add(parts, point);
    }

    private void AddClasses(string line)
    {
        string[] fields = line.Split('-', ':');
        for (int point = Hex(fields[0]); point <= Hex(fields[^2]); point++)
            _classes.Add(point, byte.Parse(fields[^1], CultureInfo.InvariantCulture));
    }

    /// <summary>A primary composite is its last character after the composite of all before.</summary>
    private void AddCompositions(Dictionary<string, int> composites)
    {
        foreach ((string parts, int point) in composites)
        {
            int last = parts.LastIndexOf(' ');
            string before = parts[..last];
            int first = before.Contains(' ', StringComparison.Ordinal) ? composites[before] : Hex(before);
            _compositions.Add((first, Hex(parts[(last + 1)..])), point);
        }
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
