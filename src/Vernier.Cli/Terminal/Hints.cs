using Vernier.Errors;

namespace Vernier.Cli.Terminal;

/// <summary>Which options of the command help against an error of the library, which knows of no options.</summary>
internal static class Hints
{
    private static readonly Dictionary<string, string> s_byRule = new(StringComparer.Ordinal)
    {
        ["output-exists"] = "With --force it is replaced.",
        ["output-unfinished"] = "With --resume it goes on where it stopped, with --force it starts afresh.",
        ["output-no-model"] = "--force replaces models alone.",
        ["resume-other-inputs"] = "With --force in place of --resume it starts afresh.",
        ["strict-fallback"] = "With --resume and without --strict it goes on; --keep leaves the tensor as it is.",
        ["weight-not-finite"] = "The option for that is --keep.",
        ["weight-out-of-range"] = "--keep leaves the tensor as it is.",
        ["gguf-model-number-range"] = "--tensor-type NAME=F32 says it for one tensor, --type for all.",
        ["importance-matrix-incomplete"] = "Without --strict it goes on.",
        ["nothing-to-quantize"] = "See --keep and --embedding-bits.",
    };

    /// <summary>The hint for an error, or null where no option helps.</summary>
    public static string? Of(VernierException error) => error is MemoryCeilingException memory
        ? $"Say --memory {(memory.NeededBytes + 999_999) / 1_000_000}MB."
        : s_byRule.GetValueOrDefault(error.Rule);

    /// <summary>The error's message with its hint.</summary>
    public static string Explain(VernierException error) => Of(error) is string hint ? $"{error.Message} {hint}" : error.Message;
}
