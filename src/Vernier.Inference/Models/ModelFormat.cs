using System.Runtime.ExceptionServices;
using System.Text.Json;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference.Models;

/// <summary>An open model of one kind.</summary>
internal abstract class ModelFormat : IDisposable
{
    /// <summary>The kind.</summary>
    public abstract ModelKind Kind { get; }

    /// <summary>The tensors under the names of a Hugging Face checkpoint.</summary>
    public abstract Checkpoint Checkpoint { get; }

    /// <summary>The root of config.json.</summary>
    public abstract JsonElement Config { get; }

    /// <summary>The path of config.json, for messages.</summary>
    public abstract string ConfigPath { get; }

    /// <summary>Why what another tool made of the weights is not read; null where it is.</summary>
    public virtual ExceptionDispatchInfo? Refusal => null;

    /// <summary>What the user should know of it, a line each.</summary>
    public virtual IEnumerable<string> Notes => [];

    /// <summary>What there is beside the members of config.json of which nothing is known.</summary>
    public virtual IReadOnlyList<string> NotUnderstood => [];

    /// <summary>The files that hold what a model is, tokenizer excepted.</summary>
    public abstract IEnumerable<string> Files { get; }

    /// <summary>Reads the tokenizer.</summary>
    public abstract Tokenizer ReadTokenizer();

    /// <summary>Finds what accompanies the weights.</summary>
    public abstract IReadOnlyList<Companion> FindCompanions();

    /// <summary>The type and the bytes that a tensor has in its file.</summary>
    public abstract (string Type, long Bytes) Stored(TensorInfo tensor);

    /// <summary>Where layers get their weights; null to read them as floats or as Vernier packed them.</summary>
    public abstract IWeightSource? Weights(PackedArithmetic arithmetic, Workers workers);

    /// <summary>The texts, ready for an export.</summary>
    public abstract ModelTexts ReadTexts();

    /// <inheritdoc/>
    public virtual void Dispose() => Checkpoint.Dispose();
}
