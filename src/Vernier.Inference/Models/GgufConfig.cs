using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>
/// The config.json of a GGUF file: that which an export has kept, where it says what the metadata say; that which follows from the
/// metadata, where another program has changed them since.
/// </summary>
internal static class GgufConfig
{
    private const double Rounding = 1e-5;

    /// <summary>Chooses between the two.</summary>
    /// <param name="file">The file.</param>
    /// <param name="architecture">The architecture that its metadata name.</param>
    /// <param name="kept">The config.json that is kept in it, or null.</param>
    /// <exception cref="VernierException">The two are of different families, or what the metadata have no place for would be
    /// lost.</exception>
    public static JsonObject Of(GgufFile file, GgufArchitecture architecture, JsonObject? kept)
    {
        var metadata = new GgufMetadata(file.Metadata, file.Path);
        JsonObject made = architecture.ToConfig(metadata, file);
        if (kept is null)
            return made;
        ModelConfig from = Read(made, file.Path), original = Read(kept, file.Path);
        if (ArchitectureCatalogue.Of(original).Gguf?.Name != architecture.Name)
            throw Contradiction(file.Path, $"'{GgufMetadata.ArchitectureKey}' is {ConfigObject.Quote(architecture.Name)}, and the "
                + $"config.json kept beside it is that of {ConfigObject.Quote(original.ModelType)}");
        if (Difference(metadata, from, original) is not string key)
            return kept;
        if (from is TransformerConfig one && original is TransformerConfig other && (one.Activation != other.Activation
            || Enumerable.Range(0, Math.Min(one.LayerCount, other.LayerCount)).Any(layer => one.WindowOf(layer) != other.WindowOf(layer))))
        {
            throw Contradiction(file.Path, $"{ConfigObject.Quote(key)} is not what the config.json kept beside it says, and without that "
                + "the windows or the nonlinearity of the layers are not known");
        }
        return made;
    }

    private static InvalidFileException Contradiction(string path, string problem) => new(path, GgufModelRules.MetadataType, problem,
        "Change both, or convert the original model again");

    private static ModelConfig Read(JsonObject config, string path) =>
        ArchitectureCatalogue.Read(ConfigObject.Of(JsonSerializer.SerializeToElement(config), path));

    // What the metadata do not say, both take from the same default.
    private static string? Difference(GgufMetadata metadata, ModelConfig from, ModelConfig original)
    {
        Dictionary<string, GgufValue> made = Pairs(from), kept = Pairs(original);
        foreach (string key in made.Keys.Union(kept.Keys))
        {
            if (!AreEqual(made.GetValueOrDefault(key), kept.GetValueOrDefault(key)))
                return key;
        }
        (string Name, float[] Factors)[] factors = Factors(from), others = Factors(original);
        string? tensor = factors.Concat(others).Select(one => one.Name).FirstOrDefault(name =>
            !AreNear(factors.FirstOrDefault(one => one.Name == name).Factors, others.FirstOrDefault(one => one.Name == name).Factors));
        return tensor ?? (from.TiedEmbeddings != original.TiedEmbeddings ? "output.weight" : null);

        Dictionary<string, GgufValue> Pairs(ModelConfig config) => ArchitectureCatalogue.Of(config).Gguf!.ToMetadata(config, "")
            .Where(pair => pair.Key.StartsWith(metadata.Architecture + ".", StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
    }

    private static (string Name, float[] Factors)[] Factors(ModelConfig config) =>
        [.. ArchitectureCatalogue.Of(config).Gguf!.RopeTensors(config)];

    private static bool AreEqual(GgufValue? one, GgufValue? other) =>
        one is not null && other is not null && (one.Equals(other) || one.AsNumber() is double a && other.AsNumber() is double b && a == b);

    private static bool AreNear(float[]? one, float[]? other) => one is not null && other is not null && one.Length == other.Length
        && one.Zip(other).All(pair => Math.Abs(pair.First - pair.Second) <= Rounding * Math.Abs(pair.Second));
}
