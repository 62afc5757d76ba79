using Vernier.Files;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Gguf;

namespace Vernier.Cli.Commands;

/// <summary>A GGUF file to be written.</summary>
/// <param name="Mix">Which tensor gets which type.</param>
/// <param name="Overrides">Types by pattern.</param>
internal sealed record GgufTarget(GgufMix Mix, IReadOnlyList<GgufOverride> Overrides)
{
    /// <summary>The folder beside the file in which a model is quantized before it becomes one.</summary>
    public static string FolderOf(string file) => file + ".folder";

    /// <summary>The report beside the file.</summary>
    public static string ReportOf(string file) => file + ".report.json";

    /// <summary>The formats of the tensors.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">Whether data is used: llama-quantize's rules differ a little.</param>
    public Func<TensorInfo, BlockFormat?> Formats(Model model, bool data) => GgufQuantizer.FormatsOf(model, Mix, Overrides, data);

    /// <summary>The exact bytes of the file.</summary>
    public long SizeOf(Model model, bool data) => GgufQuantizer.SizeOf(model, Mix, Overrides, data);

    /// <summary>Refuses a file that is there.</summary>
    public static void Check(string model, string file, bool replace)
    {
        if (Directory.Exists(file))
            throw new IOException($"{file}: this is a folder. Name a file.");
        if (string.Equals(Path.GetFullPath(model), Path.GetFullPath(file), StringComparison.OrdinalIgnoreCase))
            throw new Terminal.UsageException($"{file}: this is the model itself. Name another file with -o.");
        if (!replace && File.Exists(file))
            throw new IOException($"{file}: the file exists. Name another, or say --force to replace it.");
    }

    /// <summary>Makes the file of a quantized folder, which then goes.</summary>
    public void Write(Model source, string folder, string file, bool data, IProgress<double> progress, CancellationToken cancellation)
    {
        GgufQuantizer.Write(source, folder, file, Mix, Overrides, data, progress, cancellation);
        File.Move(Path.Combine(folder, "report.json"), ReportOf(file), overwrite: true);
        Directory.Delete(folder, recursive: true);
    }
}
