using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Tokenizers;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Weights;
using Vernier.Memory;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Models;

/// <summary>
/// Holds a model against its own description: each tensor that the network needs is there in the right shape, each that is there has a
/// use, and each token has a row of the embedding. Reads no weights, but for those of a head that should be the embedding.
/// </summary>
internal static class ModelCheck
{
    private const int MostNamed = 4, PieceBytes = 1 << 20;

    // Tables that the library once stored with the weights and computes itself.
    private static readonly string[] s_harmless = [".rotary_emb.inv_freq", ".attn.masked_bias"];

    /// <summary>Checks a model of an architecture that runs here.</summary>
    /// <param name="model">The model.</param>
    /// <param name="config">Its configuration.</param>
    /// <exception cref="InvalidFileException">It is not as it says.</exception>
    public static void Run(Model model, ModelConfig config)
    {
        CheckTokens(model, config);
        DecoderAssembly assembly = ArchitectureCatalogue.Assemble(config);
        var source = new ShapeSource(model.Checkpoint, model.Quantization);
        assembly.Ends(source);
        for (int layer = 0; layer < config.LayerCount; layer++)
            assembly.Block(source, layer);
        assembly.FinalNorm(source);
        TensorInfo[] unused = [.. model.Checkpoint.Tensors.Where(tensor => !IsUsed(tensor.Name, source.Used, model.Quantization)
            && !assembly.MayBeUnused(tensor) && !Array.Exists(s_harmless, end => tensor.Name.EndsWith(end, StringComparison.Ordinal))
            && !IsTiedHead(model.Checkpoint, assembly, tensor))];
        if (unused.Length == 0)
            return;
        string more = unused.Length > MostNamed ? $" and {unused.Length - MostNamed} more" : "";
        throw new InvalidFileException(model.Checkpoint.FileOf(unused[0]), ModelRules.TensorUnused,
            $"a {config.ModelType} as config.json describes it has no use for "
            + string.Join(", ", unused.Take(MostNamed).Select(tensor => tensor.Name)) + more,
            "Give the config.json that belongs to these weights, or a model without these tensors", unused[0].Name);
    }

    /// <summary>Names the program whose codes the tensors are, where config.json does not.</summary>
    /// <exception cref="InvalidFileException">The weights are codes of another program.</exception>
    public static void CheckTools(Model model)
    {
        if (model.Quantization is not null)
            return;
        foreach (TensorInfo tensor in model.Checkpoint.Tensors)
        {
            if (QuantizationTools.OfTensor(tensor.Name) is string tool)
                throw new InvalidFileException(model.Checkpoint.FileOf(tensor), "quantization-method",
                    $"the model is quantized by {tool}, and config.json does not say so", QuantizationTools.Remedy, tensor.Name);
        }
    }

    private static void CheckTokens(Model model, ModelConfig config)
    {
        Tokenizer tokenizer;
        try
        {
            tokenizer = model.Tokenizer;
        }
        catch (VernierException)
        {
            // Whoever needs it says what is wrong with it.
            return;
        }
        if (tokenizer.VocabularySize > config.VocabularySize)
        {
            throw new InvalidFileException(model.ConfigPath, ModelRules.TokenRows,
                $"the tokenizer has {tokenizer.VocabularySize} tokens, 'vocab_size' is {config.VocabularySize}",
                "Give the tokenizer and the config.json that belong to these weights");
        }
    }

    private static bool IsUsed(string name, IReadOnlySet<string> used, QuantizationConfig? packed)
    {
        if (used.Contains(name))
            return true;
        // The arrays of a packed matrix begin with its name.
        int end = name.LastIndexOf('.');
        return packed is not null && end > 0 && packed.Tensors.ContainsKey(name[..end]) && used.Contains(name[..end]);
    }

    // A copy of the embedding that stands beside it; another head would be passed over.
    private static bool IsTiedHead(Checkpoint checkpoint, DecoderAssembly assembly, TensorInfo tensor)
    {
        if (assembly.HeadName != assembly.EmbeddingName || !tensor.Name.EndsWith("head.weight", StringComparison.Ordinal)
            || !checkpoint.TryGet(assembly.EmbeddingName, out TensorInfo? embedding))
            return false;
        if (tensor.Type == embedding.Type && tensor.Shape.SequenceEqual(embedding.Shape) && AreEqual(checkpoint, tensor, embedding))
            return true;
        throw new InvalidFileException(checkpoint.FileOf(tensor), ModelRules.TiedHead,
            "'tie_word_embeddings' makes the embedding the head, and this is another", "Correct config.json, or remove the tensor",
                tensor.Name);
    }

    private static bool AreEqual(Checkpoint checkpoint, TensorInfo one, TensorInfo other)
    {
        using var first = new PooledArray<byte>(PieceBytes);
        using var second = new PooledArray<byte>(PieceBytes);
        for (long at = 0; at < one.Bytes; at += PieceBytes)
        {
            int count = (int)Math.Min(PieceBytes, one.Bytes - at);
            checkpoint.ReadOnce(one, at, first.Span[..count]);
            checkpoint.ReadOnce(other, at, second.Span[..count]);
            if (!first.Span[..count].SequenceEqual(second.Span[..count]))
                return false;
        }
        return true;
    }
}
