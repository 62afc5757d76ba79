using System.Text.Json;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Models;

// Shim: goes once all callers hand on a Model.

/// <summary>Parts of a model that is not open.</summary>
public static class ModelSource
{
    /// <summary>Opens the tensors of a model.</summary>
    public static Checkpoint OpenCheckpoint(string model) => Model.Open(model).Checkpoint;

    /// <summary>Reads the configuration of a model.</summary>
    public static ModelConfig Configuration(string model)
    {
        if (Model.IsGguf(model))
        {
            using var open = Model.Open(model);
            return open.Configuration;
        }
        using JsonDocument document = StrictJson.Parse(Path.Combine(model, "config.json"), ModelConfig.MaxFileBytes);
        return ArchitectureCatalogue.Read(ConfigObject.Of(document.RootElement, Path.Combine(model, "config.json")));
    }

    /// <summary>Whether the architecture of a model runs here, and its name.</summary>
    public static bool Runs(string model, out string architecture)
    {
        if (Model.IsGguf(model))
        {
            using var open = Model.Open(model);
            architecture = open.Architecture;
            return open.Runs;
        }
        string path = Path.Combine(model, "config.json");
        using JsonDocument document = StrictJson.Parse(path, ModelConfig.MaxFileBytes);
        return ArchitectureCatalogue.TryFind(ConfigObject.Of(document.RootElement, path), out _, out architecture);
    }
}
