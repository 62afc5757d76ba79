using System.Text.Json.Nodes;

namespace Vernier.TestKit;

/// <summary>The folders of tiny networks with what the Hugging Face library computed, where they are on this machine.</summary>
public static class ReferenceFolders
{
    /// <summary>Those that do not run here: the rule by which they are refused, and why.</summary>
    public static IReadOnlyDictionary<string, (string Rule, string Reason)> Exceptions { get; } =
        new Dictionary<string, (string, string)>(StringComparer.Ordinal)
        {
            ["rwkv"] = ("unknown-architecture", "a family that is not asked for"),
        };

    private static string Folder => Path.GetFullPath(Path.Combine(
        Environment.GetEnvironmentVariable("VERNIER_SHARED") ?? Path.Combine(SharedData.Root, "..", "shared"), "models", "tiny"));

    /// <summary>The folders with causal language models.</summary>
    public static IReadOnlyList<string> All => !Directory.Exists(Folder) ? []
        : [.. Directory.EnumerateDirectories(Folder).Where(IsCausal).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    /// <summary>Whether a folder has the files of a kind: "" as the library writes them, ".hub" as they are published.</summary>
    public static bool Has(string folder, string kind) => File.Exists(Path.Combine(Folder, folder, $"config{kind}.json"))
        || kind.Length > 0 && File.Exists(Path.Combine(Folder, folder, $"model{kind}.safetensors"));

    /// <summary>The kinds of models.</summary>
    public static string ModelTypeOf(string folder) => (string)Config(Path.Combine(Folder, folder, "config.json"))["model_type"]!;

    /// <summary>Puts config.json and weights of a kind into a folder; what is published with one name only is that.</summary>
    public static void Copy(string folder, string kind, string target)
    {
        string source = Path.Combine(Folder, folder);
        File.Copy(Existing(source, "config", kind, ".json"), Path.Combine(target, "config.json"));
        File.CreateSymbolicLink(Path.Combine(target, "model.safetensors"), Existing(source, "model", kind, ".safetensors"));
    }

    private static string Existing(string folder, string name, string kind, string extension)
    {
        string path = Path.Combine(folder, name + kind + extension);
        return File.Exists(path) ? path : Path.Combine(folder, name + extension);
    }

    private static bool IsCausal(string path) => File.Exists(Path.Combine(path, "config.json"))
        && File.Exists(Path.Combine(path, "reference.safetensors"))
        && Config(Path.Combine(path, "config.json"))["architectures"] is JsonArray { Count: > 0 } names
        && names[0]!.GetValue<string>() is var name
        && (name.EndsWith("ForCausalLM", StringComparison.Ordinal) || name == "GPT2LMHeadModel");

    private static JsonObject Config(string path) => JsonNode.Parse(File.ReadAllText(path))!.AsObject();
}
