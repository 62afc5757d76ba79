using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>Writes models as GGUF files, and GGUF files as folders.</summary>
public static class GgufExport
{
    /// <summary>Writes a model with types chosen by a mix.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="note">Told, before anything is written, what becomes of some tensors that nobody asked for; null for nobody.</param>
    /// <param name="workers">Who encodes; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="InvalidFileException">The model is invalid, or packed already, or a number is not finite or has no place in its
    /// type.</exception>
    /// <exception cref="UnsupportedModelException">The model is of a family or has a tokenizer that llama.cpp lacks.</exception>
    public static long Write(Model model, string path, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null,
        IProgress<double>? progress = null, Action<string>? note = null, Workers? workers = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mix);
        model.Check();
        IReadOnlyDictionary<string, GgufTensorType> types = GgufPlan.TypesOf(model, mix, overrides);
        var plan = GgufPlan.Of(model, mix.FileType, tensor => types[tensor.Name]);
        plan.CheckNumbers(model, workers: workers, cancellation: cancellation);
        if (note is not null)
        {
            if (GgufFallback.Describe(GgufPlan.FallbacksOf(model, mix, overrides)) is string fallbacks)
                note(fallbacks);
            foreach (LostNumbers lost in plan.FindLost(model, blocks: true, workers, cancellation))
                note(lost.ToString());
        }
        using var writer = new GgufModelWriter(plan, path, workers: workers);
        CopyAll(writer, model.Checkpoint, [.. plan.Items.Select(item => item.Source)], progress, cancellation);
        return writer.Bytes;
    }

    /// <summary>Writes a model that is not open with types chosen by a mix.</summary>
    /// <param name="model">A Hugging Face folder or a GGUF file.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="mix">The mix.</param>
    /// <param name="overrides">Types by pattern.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="note">Told, before anything is written, what becomes of some tensors that nobody asked for; null for nobody.</param>
    /// <param name="workers">Who encodes; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two pieces; no file is left.</param>
    /// <returns>The bytes of the file.</returns>
    public static long Write(string model, string path, GgufMix mix, IReadOnlyList<GgufOverride>? overrides = null,
        IProgress<double>? progress = null, Action<string>? note = null, Workers? workers = null,
        CancellationToken cancellation = default)
    {
        using var open = Model.Open(model);
        return Write(open, path, mix, overrides, progress, note, workers, cancellation);
    }

    /// <summary>Writes a model as a Hugging Face folder: blocks of a GGUF file become single precision, everything else stays as it
    /// is.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">The folder, which must exist, and be one that nobody takes for finished.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="workers">Who looks through the numbers; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="cancellation">Stops between two pieces.</param>
    /// <exception cref="InvalidFileException">A number is not finite, or has no place in its type.</exception>
    /// <exception cref="UnsupportedModelException">The tokenizer can't be represented.</exception>
    public static void WriteFolder(Model model, string folder, IProgress<double>? progress = null, Workers? workers = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Check();
        (JsonObject config, IReadOnlyList<Companion> companions) = TextsOf(model);
        TensorInfo[] tensors = [.. model.Checkpoint.Tensors];
        CheckFloats(model.Checkpoint, tensors, workers ?? Workers.Shared, cancellation);
        var content = new FolderContent(ModelTexts.Serialize(config), companions, new Dictionary<string,
            Packing.PackedLayout>(StringComparer.Ordinal));
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };
        if (model.DequantizedFrom is string recipe)
            metadata["vernier.dequantized_from"] = recipe;
        using var writer = new FolderWriter(folder, tensors, content, metadata);
        CopyAll(writer, model.Checkpoint, tensors, progress, cancellation);
    }

    // A folder has all its companions; what a GGUF file has of them is made anew.
    private static (JsonObject Config, IReadOnlyList<Companion> Companions) TextsOf(Model model)
    {
        if (model.Kind == ModelKind.Folder)
            return (JsonObject.Create(model.Config)!, model.Companions);
        ModelTexts texts = model.ReadTexts();
        List<Companion> companions = [Text("tokenizer.json", texts.Tokenizer), Text("tokenizer_config.json", texts.Settings)];
        if (texts.ChatTemplate is not null)
            companions.Add(new Companion("chat_template.jinja", System.Text.Encoding.UTF8.GetBytes(texts.ChatTemplate)));
        return (texts.Config, companions);

        static Companion Text(string name, JsonObject json) => new(name, ModelTexts.Serialize(json));
    }

    private static void CheckFloats(Checkpoint checkpoint, TensorInfo[] tensors, Workers workers, CancellationToken cancellation)
    {
        var range = new NumberRange(checkpoint, workers);
        foreach (TensorInfo tensor in tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (tensor.Type.IsFloat() && GgufTensorType.TryGet(tensor.Type.ToString(), out GgufTensorType? type))
                range.Check(tensor, type, tensor.Name, []);
        }
    }

    private static void CopyAll(ModelWriter writer, Checkpoint source, TensorInfo[] tensors, IProgress<double>? progress,
        CancellationToken cancellation)
    {
        double all = tensors.Sum(tensor => (double)tensor.Count), done = 0;
        foreach (TensorInfo tensor in tensors)
        {
            writer.Copy(source, tensor, part => progress?.Report((done + part * tensor.Count) / all), cancellation);
            done += tensor.Count;
        }
        writer.Complete();
    }
}
