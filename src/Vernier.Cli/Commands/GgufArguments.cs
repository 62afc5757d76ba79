using System.CommandLine;
using System.Text.RegularExpressions;
using Vernier.Cli.Terminal;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Cli.Commands;

/// <summary>The options that say which tensor of a GGUF file has which type.</summary>
internal sealed class GgufArguments(string standard)
{
    private static readonly string s_types = string.Join(", ", GgufMix.All.Select(mix => mix.Name));

    private readonly Option<string?> _type = Choose.Text(
        "--type", "TYPE", $"The types of a GGUF file, as llama-quantize mixes them: {s_types}. [default: {standard}]");
    private readonly Option<string[]> _tensorTypes =
        new("--tensor-type") { HelpName = "PATTERN=TYPE",
        Description = "The type of tensors whose names in the file match; may be given more than once, the first that matches counts." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_type);
        command.Options.Add(_tensorTypes);
    }

    /// <summary>The name of the type that is asked for.</summary>
    public string Name(ParseResult arguments, string absent) => arguments.GetValue(_type) ?? absent;

    /// <summary>Whether the command has one of them.</summary>
    public bool AreGiven(ParseResult arguments) =>
        arguments.GetValue(_type) is not null || arguments.GetValue(_tensorTypes) is { Length: > 0 };

    /// <summary>The mix.</summary>
    public GgufMix Mix(ParseResult arguments)
    {
        string name = arguments.GetValue(_type) ?? standard;
        return GgufMix.TryGet(name, out GgufMix? mix) ? mix
            : throw new UsageException($"--type: there is no '{name}'. Say one of {s_types}.");
    }

    /// <summary>Types by pattern.</summary>
    public GgufOverride[] Overrides(ParseResult arguments) => [.. (arguments.GetValue(_tensorTypes) ?? []).Select(Override)];

    private static GgufOverride Override(string text)
    {
        int at = text.LastIndexOf('=');
        if (at < 1 || !GgufTensorType.TryGet(text[(at + 1)..], out GgufTensorType? type) || type.Name is "F64" || type.Name.StartsWith('I')
            && type.Format is null)
            throw new UsageException($"--tensor-type: '{text}' is not PATTERN=TYPE with a type such as Q6_K.");
        try
        {
            return new GgufOverride(new Regex(text[..at], RegexOptions.CultureInvariant | RegexOptions.NonBacktracking), type);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new UsageException($"--tensor-type: '{text[..at]}' is no regular expression ({e.Message}).");
        }
    }
}
