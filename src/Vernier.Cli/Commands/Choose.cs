using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Packing;

namespace Vernier.Cli.Commands;

/// <summary>Makes options whose values are checked as they are parsed, with an error that says what would be right.</summary>
internal static class Choose
{
    private const string Groups = "a whole number from 1 to 1048576, 'channel' or 'tensor'";

    private delegate bool Parser<T>(string text, out T value);

    /// <summary>The argument MODEL.</summary>
    public static Argument<string> Model(string description =
        "The folder of a Hugging Face model in safetensors format, or a .gguf file.") =>
        new("MODEL") { Description = description };

    /// <summary>The option --json.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object, for programs, and nothing else." };

    /// <summary>The option --threads.</summary>
    public static Option<int?> Threads() => Integer(
        "--threads", "The most threads that work at once. No result depends on it. [default: all processors]", 1, 1024);

    /// <summary>The option --arithmetic.</summary>
    public static Option<PackedArithmetic?> Arithmetic() =>
        OneOf<PackedArithmetic>(
            "--arithmetic", "How packed layers multiply: with activations rounded to 8 bits, as models run; in float, which shows the "
            + "weights alone; or by L-Mul, sums of bit patterns of floats of four bits of mantissa. [default: integer]");

    /// <summary>What keys and values are kept in.</summary>
    public static Option<CachePrecision?> Cache() =>
        OneOf<CachePrecision>(
            "--kv-cache", "What keys and values are kept in: single precision, or 8 bits in a quarter of the memory. [default: single]");

    /// <summary>A switch.</summary>
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    /// <summary>Any text.</summary>
    public static Option<string?> Text(string name, string value, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, HelpName = value };

    /// <summary>A whole number that may be left out.</summary>
    public static Option<int?> Integer(string name, string description, int least, int most) =>
        Make<int?>(name, "N", description, $"a whole number from {least} to {most}", (string text, out int? value) =>
        {
            bool valid = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least
                && number <= most;
            value = number;
            return valid;
        });

    /// <summary>Whole numbers, separated by commas, that may be left out.</summary>
    public static Option<int[]?> Integers(string name, string description, int least, int most) =>
        Make<int[]?>(name, "LIST", description, $"a list, with commas, of whole numbers from {least} to {most}",
            (string text, out int[]? value) =>
        {
            value = [.. text.Split(',').Select(part =>
                int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MinValue)];
            return Array.TrueForAll(value, number => number >= least && number <= most);
        });

    /// <summary>A number that may be left out.</summary>
    public static Option<double?> Number(string name, string value, string description, double least, double most) =>
        Make<double?>(name, value, description, $"a number from {least} to {most}", (string text, out double? number) =>
        {
            bool valid = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) && parsed >= least
                && parsed <= most;
            number = parsed;
            return valid;
        });

    /// <summary>A number of bytes with a decimal unit or none, that may be left out.</summary>
    public static Option<long?> Bytes(string name, string description) =>
        Make<long?>(name, "SIZE", description, "a size such as 4GB, 500MB or a number of bytes", (string text, out long? value) =>
        {
            string number = text.EndsWith('B') || text.EndsWith('b') ? text[..^1] : text;
            int power = number.Length == 0 ? 0 : "KMGT".IndexOf(char.ToUpperInvariant(number[^1]), StringComparison.Ordinal) + 1;
            number = power > 0 ? number[..^1] : number;
            bool valid = double.TryParse(number.TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double size)
                && size * Math.Pow(1000, power) is >= 1 and < 1e18;
            value = valid ? (long)(size * Math.Pow(1000, power)) : null;
            return valid;
        });

    /// <summary>A seed that may be left out.</summary>
    public static Option<ulong?> Seed(string description) =>
        Make<ulong?>("--seed", "N", description, $"a whole number from 0 to {ulong.MaxValue}", (string text, out ulong? value) =>
        {
            bool valid = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number);
            value = number;
            return valid;
        });

    /// <summary>A regular expression that may be left out. It is matched in linear time.</summary>
    public static Option<Regex?> Pattern(string name, string description) =>
        Make<Regex?>(name, "REGEX", description, "a regular expression, without lookarounds and back-references",
            (string text, out Regex? value) =>
        {
            value = null;
            try
            {
                value = new Regex(text, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
                return true;
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                return false;
            }
        });

    /// <summary>Which weights share a scale.</summary>
    public static Option<Granularity?> Group() =>
        Make<Granularity?>("--group", "N|channel|tensor",
            "How many consecutive weights of a row share a scale; or all of a channel, or of a tensor. Codebooks of vectors take as much "
            + "as these scales. [default: 64]",
            Groups, (string text, out Granularity? value) =>
            {
                bool valid = TryGroup(text, out Granularity group);
                value = group;
                return valid;
            });

    /// <summary>As <see cref="Group"/>, several with commas.</summary>
    public static Option<Granularity[]?> SomeGroups() =>
        Make<Granularity[]?>(
            "--group", "LIST", "How many consecutive weights of a row share a scale; or all of a channel, or of a tensor; codebooks of "
            + "vectors take as much as these scales. With commas: N, channel, tensor. [default: 64]",
            $"a list, with commas, of {Groups}", (string text, out Granularity[]? value) =>
            {
                string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
                value = Array.ConvertAll(parts, part => TryGroup(part, out Granularity group) ? group : default);
                return Array.TrueForAll(parts, part => TryGroup(part, out _));
            });

    /// <summary>Bits, or "none", for which 0 stands: the library does not parse to null.</summary>
    public static Option<int> BitsOrNone(string name, string description, int standard)
    {
        Option<int> option = Make(name, "N|none", description, "a whole number from 2 to 8, or 'none'", (string text, out int value) =>
        {
            bool whole = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is >= 2 and <= 8;
            if (text == "none")
                value = 0;
            return whole || text == "none";
        });
        option.DefaultValueFactory = _ => standard;
        return option;
    }

    /// <summary>A member of an enumeration, by its name in kebab case, that may be left out.</summary>
    public static Option<T?> OneOf<T>(string name, string description) where T : struct, Enum => Among(name, description, Members<T>());

    /// <summary>One of some values, each by its name, that may be left out.</summary>
    public static Option<T?> Among<T>(string name, string description, IReadOnlyDictionary<string, T> members) where T : struct =>
        Make<T?>(name, string.Join('|', members.Keys), description, $"one of {string.Join(", ", members.Keys)}",
            (string text, out T? value) =>
        {
            bool known = members.TryGetValue(text, out T member);
            value = member;
            return known;
        });

    /// <summary>One of some names, that may be left out.</summary>
    public static Option<string?> Name(string name, string description, IReadOnlyList<string> names) =>
        Make<string?>(name, string.Join('|', names), description, $"one of {string.Join(", ", names)}", (string text, out string? value) =>
        {
            value = text;
            return names.Contains(text, StringComparer.Ordinal);
        });

    /// <summary>Members of an enumeration, separated by commas, that may be left out.</summary>
    public static Option<T[]?> SomeOf<T>(string name, string description) where T : struct, Enum
    {
        Dictionary<string, T> members = Members<T>();
        return Make<T[]?>(name, "LIST", $"{description} With commas: {string.Join(", ", members.Keys)}.",
            $"a list, with commas, of {string.Join(", ", members.Keys)}", (string text, out T[]? value) =>
        {
            string[] names = text.Split(',', StringSplitOptions.TrimEntries);
            bool known = Array.TrueForAll(names, members.ContainsKey);
            value = known ? [.. names.Select(member => members[member]).Distinct()] : null;
            return known;
        });
    }

    private static bool TryGroup(string text, out Granularity group)
    {
        bool whole = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= 1 << 20;
        group = text == "channel" ? Granularity.Channel : text == "tensor" ? Granularity.Tensor : new Granularity(number);
        return whole || text is "channel" or "tensor";
    }

    private static Dictionary<string, T> Members<T>() where T : struct, Enum =>
        Enum.GetValues<T>().ToDictionary(member => JsonNamingPolicy.KebabCaseLower.ConvertName(member.ToString()), StringComparer.Ordinal);

    private static Option<T> Make<T>(string name, string valueName, string description, string right, Parser<T> parser) => new(name)
    {
        Description = description,
        HelpName = valueName,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result => Parse(result, name, right, parser),
    };

    private static T Parse<T>(ArgumentResult result, string name, string right, Parser<T> parser)
    {
        string text = result.Tokens is [Token token] ? token.Value : "";
        if (parser(text, out T value))
            return value;
        result.AddError($"{name}: '{text}' is not {right}.");
        return default!;
    }
}
