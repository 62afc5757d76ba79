using System.Globalization;
using System.Text.RegularExpressions;
using Vernier.Errors;

namespace Vernier.Files.Gguf;

/// <summary>
/// A model that is split into several files, as gguf-split of llama.cpp writes them: NAME-00001-of-00003.gguf and so on in one folder.
/// <c>split.no</c> counts from 0, <c>split.count</c> is the number of parts and <c>split.tensors.count</c> that of the tensors of all.
/// </summary>
internal static partial class GgufSplit
{
    /// <summary>What the keys that say how a model is split begin with.</summary>
    public const string Prefix = "split.";

    private const string Number = Prefix + "no", Count = Prefix + "count", TensorCount = Prefix + "tensors.count",
        Again = "Download all parts again, or split the model again";

    /// <summary>The longest list of missing parts that is given by their names.</summary>
    private const int MostNames = 8;

    /// <summary>The name of a file without its extension and without the number of a part.</summary>
    public static string StemOf(string path) =>
        PartName().Match(Path.GetFileName(path)) is { Success: true } match ? match.Groups["stem"].Value
        : Path.GetFileNameWithoutExtension(path);

    /// <summary>Opens all parts, where a file is one of several.</summary>
    /// <param name="named">The part that was named, which is open.</param>
    /// <returns>The parts in their order, <paramref name="named"/> among them; that alone where the model is not split.</returns>
    /// <exception cref="InvalidFileException">A part breaks a rule of <see cref="GgufSplitRules"/> or of <see cref="GgufRules"/>. Parts
    /// that were opened are closed, but for <paramref name="named"/>.</exception>
    public static GgufFile[] OpenBeside(GgufFile named)
    {
        if (!named.Metadata.ContainsKey(Count) || Integer(named, Count) is long few and <= 1 && few >= 0)
            return [named];
        long count = Integer(named, Count), tensors = Integer(named, TensorCount), number = Integer(named, Number);
        Match name = PartName().Match(Path.GetFileName(named.Path));
        if (!name.Success || Group(name, "count") != count || Group(name, "number") != number + 1)
        {
            throw new InvalidFileException(named.Path, GgufSplitRules.Name,
                $"its metadata say that it is part {number + 1} of {count}, and its name does not",
                $"Give it and the other parts the names that they had: NAME-{number + 1:00000}-of-{count:00000}.gguf");
        }
        string[] paths = [.. Enumerable.Range(1, (int)count).Select(part => PathOf(named.Path, name, part))];
        int[] missing = [.. Enumerable.Range(1, paths.Length).Where(part => part != number + 1 && !File.Exists(paths[part - 1]))];
        if (missing.Length > 0)
            throw Missing(named.Path, paths, missing);
        var parts = new GgufFile[paths.Length];
        try
        {
            for (int part = 0; part < parts.Length; part++)
            {
                parts[part] = part == number ? named : GgufFile.Open(paths[part]);
                Check(parts[part], Number, part);
                Check(parts[part], Count, count);
                Check(parts[part], TensorCount, tensors);
            }
            CheckTensors(parts, tensors);
            return parts;
        }
        catch
        {
            foreach (GgufFile? part in parts)
            {
                if (part != named)
                    part?.Dispose();
            }
            throw;
        }
    }

    private static void CheckTensors(GgufFile[] parts, long tensors)
    {
        var partOf = new Dictionary<string, GgufFile>(StringComparer.Ordinal);
        foreach (GgufFile part in parts)
        {
            foreach (GgufTensor tensor in part.Tensors)
            {
                if (!partOf.TryAdd(tensor.Name, part))
                    throw new InvalidFileException(part.Path, GgufSplitRules.TensorInTwoParts,
                        $"it is also in {Path.GetFileName(partOf[tensor.Name].Path)}", Again, tensor.Name);
            }
        }
        if (partOf.Count != tensors)
            throw new InvalidFileException(parts[0].Path, GgufSplitRules.Tensors,
                $"the {parts.Length} parts have {partOf.Count} tensors, and {TensorCount} says {tensors}", Again);
    }

    private static void Check(GgufFile part, string key, long expected)
    {
        if (Integer(part, key) is long value && value != expected)
            throw new InvalidFileException(part.Path, GgufSplitRules.Metadata, $"{key} is {value}, and {expected} where it belongs",
                Again);
    }

    private static long Integer(GgufFile part, string key) =>
        part.Metadata.GetValueOrDefault(key)?.AsInteger() is long value and >= 0 and <= int.MaxValue ? value
        : throw new InvalidFileException(part.Path, GgufSplitRules.Metadata,
            part.Metadata.TryGetValue(key, out GgufValue? other) ? $"{key} is {other} ({other.Type}), which is no count"
            : $"{key} is missing", Again);

    private static InvalidFileException Missing(string path, string[] paths, int[] missing)
    {
        string names = missing.Length <= MostNames
            ? string.Join(", ", missing.Select(part => Path.GetFileName(paths[part - 1])))
            : $"those with the numbers {Ranges(missing)}";
        return new InvalidFileException(path, GgufSplitRules.Missing,
            $"the model is split into {paths.Length} parts, and {missing.Length} of them {(missing.Length == 1 ? "is" : "are")} not in the "
            + $"folder: {names}", "Put all parts into one folder");
    }

    private static string Ranges(int[] numbers)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (int number in numbers)
        {
            if (ranges.Count > 0 && ranges[^1].Last == number - 1)
                ranges[^1] = (ranges[^1].First, number);
            else
                ranges.Add((number, number));
        }
        return string.Join(", ", ranges.Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First} to {range.Last}"));
    }

    private static string PathOf(string path, Match name, int part) => Path.Combine(Path.GetDirectoryName(path) ?? "",
        $"{name.Groups["stem"].Value}-{part:00000}-of-{name.Groups["count"].Value}{name.Groups["extension"].Value}");

    private static int Group(Match name, string group) => int.Parse(name.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<stem>.+)-(?<number>[0-9]{5})-of-(?<count>[0-9]{5})(?<extension>\.gguf)$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PartName();
}
