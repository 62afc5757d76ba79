using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Gguf;

/// <summary>What llama.cpp has for an architecture: metadata, names of tensors, order of rows.</summary>
public abstract class GgufArchitecture
{
    /// <summary>The value of <c>general.architecture</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The names of the tensors of a model on both sides.</summary>
    /// <param name="config">The configuration of the architecture.</param>
    public abstract GgufNames NamesOf(ModelConfig config);

    /// <summary>The config.json of a file.</summary>
    /// <param name="metadata">The metadata of the file.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="InvalidFileException">A value is missing or of the wrong type.</exception>
    /// <exception cref="UnsupportedModelException">The file asks for what does not run here.</exception>
    public abstract JsonObject ToConfig(GgufMetadata metadata, GgufFile file);

    /// <summary>The metadata that a model's configuration asks for, general.file_type excepted, in the order in which they are
    /// written.</summary>
    /// <param name="config">The configuration of the architecture.</param>
    /// <param name="name">What the model is called.</param>
    public abstract IEnumerable<KeyValuePair<string, GgufValue>> ToMetadata(ModelConfig config, string name);

    /// <summary>The tensors of correction factors that a model's rotary embedding needs; none by default.</summary>
    public virtual IEnumerable<(string Name, float[] Factors)> RopeTensors(ModelConfig config) => [];

    /// <summary>The order that the rows of a tensor have in a file; null, the default, where it is that of the checkpoint.</summary>
    /// <param name="hfName">The name of the tensor in a Hugging Face checkpoint.</param>
    /// <param name="config">The configuration of the architecture.</param>
    public virtual GgufRows? RowsOf(string hfName, ModelConfig config) => null;

    /// <summary>What the numbers of a tensor are in a file, where it is of single precision; by default those of the checkpoint.</summary>
    /// <param name="hfName">The name of the tensor in a Hugging Face checkpoint.</param>
    /// <param name="config">The configuration of the architecture.</param>
    public virtual GgufNumbers NumbersOf(string hfName, ModelConfig config) => GgufNumbers.Same;

    /// <summary>The shape of a tensor in a file, of the same elements in the same order; by default that of the checkpoint.</summary>
    /// <param name="hfName">The name of the tensor in a Hugging Face checkpoint.</param>
    /// <param name="shape">Its shape there.</param>
    /// <param name="config">The configuration of the architecture.</param>
    public virtual IReadOnlyList<long> ToGgufShape(string hfName, IReadOnlyList<long> shape, ModelConfig config) => shape;

    /// <summary>The shape of a tensor in a checkpoint: <see cref="ToGgufShape"/> backwards.</summary>
    /// <param name="hfName">The name of the tensor in a Hugging Face checkpoint.</param>
    /// <param name="shape">Its shape in the file.</param>
    /// <param name="config">The configuration of the architecture.</param>
    public virtual IReadOnlyList<long> ToHfShape(string hfName, IReadOnlyList<long> shape, ModelConfig config) => shape;

    /// <summary>What a model asks for that llama.cpp does not compute, in words that follow "llama.cpp has no"; null, the default, for
    /// nothing.</summary>
    /// <param name="config">The configuration of the architecture.</param>
    public virtual string? Problem(ModelConfig config) => null;

    /// <summary>What the rules of a <see cref="GgufMix"/> look at.</summary>
    public abstract GgufMixModel MixOf(ModelConfig config);
}

/// <summary>What the rules of a <see cref="GgufMix"/> look at beside names and shapes.</summary>
/// <param name="Layers">The number of blocks.</param>
/// <param name="Sharing">The query heads that share a key and value head.</param>
/// <param name="Large">Whether llama.cpp takes it for a model of 70 billion parameters.</param>
public sealed record GgufMixModel(int Layers, int Sharing, bool Large)
{
    /// <summary>The experts of a mixture; 0, the default, for none.</summary>
    public int Experts { get; init; }

    /// <summary>The value of <c>general.architecture</c>, for rules of one alone; empty by default.</summary>
    public string Architecture { get; init; } = "";
}
