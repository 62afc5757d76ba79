using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Packing.Configuration;

namespace Vernier.Cli.Commands;

/// <summary>The files of a model, float or quantized: what is stored, and how much that is.</summary>
internal sealed class ModelFiles : IDisposable
{
    private ModelFiles(Model model)
    {
        (Model, Packed) = (model, model.Quantization);
        ArrayNames = Packed is null ? [] : [.. Packed.Tensors.SelectMany(pair => pair.Value.Arrays(pair.Key)).Select(array => array.Name)];
        Parameters = Checkpoint.Tensors.Where(tensor => !ArrayNames.Contains(tensor.Name)).Sum(tensor => tensor.Count)
            + (Packed?.Tensors.Values.Sum(spec => (long)spec.Rows * spec.Columns) ?? 0);
        Bytes = model.Bytes;
    }

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>The checkpoint.</summary>
    public Checkpoint Checkpoint => Model.Checkpoint;

    /// <summary>Which matrices are packed, and how; null for a model that is not quantized.</summary>
    public QuantizationConfig? Packed { get; }

    /// <summary>The architecture as config.json names it.</summary>
    public string Architecture => Model.Architecture;

    /// <summary>The arrays that packed matrices consist of.</summary>
    public HashSet<string> ArrayNames { get; }

    /// <summary>The number of weights of the network.</summary>
    public long Parameters { get; }

    /// <summary>The bytes of the checkpoint, its index and config.json.</summary>
    public long Bytes { get; }

    /// <summary>Bits per weight; everything that is stored counts.</summary>
    public double BitsPerWeight => 8.0 * Bytes / Parameters;

    /// <summary>Opens a model.</summary>
    public static ModelFiles Open(string folder)
    {
        var model = Model.Open(folder);
        try
        {
            return new ModelFiles(model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The name of a model: that of its folder or file.</summary>
    public static string NameOf(Model model) => model.Name;

    /// <summary>The ids of a text file, without special tokens.</summary>
    public static int[] Tokenize(Model model, string file) => model.Tokenizer.Encode(ReadText(file));

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private static string ReadText(string file)
    {
        if (!File.Exists(file))
            throw new InvalidFileException(file, FileRules.FileMissing, "the file does not exist", "Give the path of a text with --text");
        try
        {
            return new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)
                .GetString(File.ReadAllBytes(file));
        }
        catch (System.Text.DecoderFallbackException e)
        {
            throw new InvalidFileException(file, "text-not-utf8", "the text is not UTF-8", "Save it as UTF-8", innerException: e);
        }
    }
}
