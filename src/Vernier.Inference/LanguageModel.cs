using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Gguf;
using Vernier.Numerics;
using Vernier.Packing.Configuration;

namespace Vernier.Inference;

/// <summary>
/// A decoder-only language model of the Llama kind: embedding, blocks, a last norm, and the output layer ("head") that turns
/// a hidden row into one logit for each token of the vocabulary.
/// </summary>
/// <remarks>
/// One forward pass takes any number of sequences; all their rows go through each linear layer together. Not safe for
/// concurrent use: sequences that are served at the same time belong in one pass.
/// </remarks>
public sealed class LanguageModel
{
    private const string EmbeddingName = "model.embed_tokens.weight";
    private const string HeadName = "lm_head.weight";

    private readonly ForwardContext _context;
    private readonly float[] _finalNorm;

    private LanguageModel(ModelConfig config, IWeightSource weights)
    {
        Config = config;
        _context = new ForwardContext(config);
        Embedding = weights.Embedding(EmbeddingName, config.VocabularySize, config.HiddenSize);
        var blocks = new Block[config.LayerCount];
        for (int layer = 0; layer < blocks.Length; layer++)
            blocks[layer] = Block.Load(config, weights, layer);
        Blocks = blocks;
        _finalNorm = weights.Vector("model.norm.weight", config.HiddenSize);
        Head = weights.Linear(config.TiedEmbeddings ? EmbeddingName : HeadName, null, config.VocabularySize, config.HiddenSize);
    }

    /// <summary>The configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The token embedding.</summary>
    public IEmbedding Embedding { get; }

    /// <summary>The blocks in order.</summary>
    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>The output layer, vocabulary x hidden size. Applied to rows of <see cref="Hidden"/> it gives their logits.</summary>
    public ILinear Head { get; }

    /// <summary>Loads a model, with float weights or with weights that Vernier packed, from a folder with config.json and safetensors files, or from a GGUF file.</summary>
    /// <exception cref="InvalidFileException">A file is missing or invalid, or the weights don't fit the configuration.</exception>
    /// <param name="folder">The folder.</param>
    /// <param name="arithmetic">How layers with packed weights multiply.</param>
    public static LanguageModel Load(string folder, PackedArithmetic arithmetic = PackedArithmetic.Integer)
    {
        ModelConfig config = ModelConfig.Load(folder);
        using Checkpoint checkpoint = ModelSource.OpenCheckpoint(folder);
        if (checkpoint.Files[0] is GgufTensorSource file)
            return Load(config, new GgufWeightSource(checkpoint, file, arithmetic));
        if (config.Quantization is null)
            return Load(config, new FloatWeightSource(checkpoint));
        using JsonDocument document = StrictJson.Parse(config.Path, ModelConfig.MaxFileBytes);
        return QuantizationConfig.Read(document.RootElement, config.Path) is QuantizationConfig packed
            ? Load(config, new PackedWeightSource(checkpoint, packed, arithmetic))
            : Load(config, new FloatWeightSource(checkpoint));
    }

    /// <summary>Loads a model whose weights come from anywhere.</summary>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public static LanguageModel Load(ModelConfig config, IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        return new LanguageModel(config, weights);
    }

    /// <summary>What the caches of this model keep keys and values in; single precision by default.</summary>
    public CachePrecision CachePrecision { get; set; }

    /// <summary>Makes an empty cache for a sequence; see <see cref="KvCache(ModelConfig, int, CachePrecision)"/>.</summary>
    public KvCache CreateCache(int maxLength = 0) => new(Config, maxLength, CachePrecision);

    /// <summary>Runs a pass and writes the logits.</summary>
    /// <param name="segments">The new tokens of each sequence.</param>
    /// <param name="rows">Whether every token gets logits or only the last of each segment.</param>
    /// <param name="logits">Receives rows x vocabulary: at least as long.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or a segment breaks a rule of <see cref="ForwardContext.Begin"/>.</exception>
    public void Forward(ReadOnlySpan<Segment> segments, LogitRows rows, Span<float> logits)
    {
        int count = CountRows(segments, rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Length, (long)count * Config.VocabularySize, nameof(logits));
        Head.Apply(Hidden(segments, rows), logits[..(count * Config.VocabularySize)], count);
    }

    /// <summary>Runs a pass and returns the logits in memory of the model, rows x vocabulary, valid until the next pass.</summary>
    /// <inheritdoc cref="Forward(ReadOnlySpan{Segment}, LogitRows, Span{float})"/>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<Segment> segments, LogitRows rows)
    {
        int count = CountRows(segments, rows);
        Span<float> logits = _context.Buffers.Logits(count, Config.VocabularySize).AsSpan(0, count * Config.VocabularySize);
        Head.Apply(Hidden(segments, rows), logits, count);
        return logits;
    }

    /// <summary>
    /// Runs a pass up to the last norm and returns its rows, rows x hidden size, valid until the next pass. With
    /// <see cref="Head"/> a caller then gets the logits of as many rows at a time as it has room for.
    /// </summary>
    /// <inheritdoc cref="Forward(ReadOnlySpan{Segment}, LogitRows, Span{float})"/>
    public ReadOnlySpan<float> Hidden(ReadOnlySpan<Segment> segments, LogitRows rows)
    {
        CheckTokens(segments);
        _context.Begin(segments);
        int width = Config.HiddenSize;
        float[] hidden = _context.Buffers.Hidden(_context.Rows, width);
        for (int i = 0, first = 0; i < segments.Length; i++)
        {
            ReadOnlyMemory<int> tokens = segments[i].Tokens;
            RowMath.ForRows(tokens.Length, width, new LookupWork { Embedding = Embedding, Tokens = tokens, Hidden = hidden, First = first });
            first += tokens.Length;
        }
        for (int layer = 0; layer < Blocks.Count; layer++)
            Blocks[layer].Forward(hidden, _context);
        _context.Commit();
        int count = rows == LogitRows.All ? _context.Rows : _context.SegmentCount;
        float[] normed = _context.Buffers.Normed(count, width);
        RowMath.ForRows(count, width, new NormWork { Model = this, Hidden = hidden, Normed = normed, Rows = rows });
        return normed.AsSpan(0, count * width);
    }

    private static int CountRows(ReadOnlySpan<Segment> segments, LogitRows rows)
    {
        if (rows == LogitRows.Last)
            return segments.Length;
        int count = 0;
        foreach (Segment segment in segments)
            count = checked(count + segment.Tokens.Length);
        return count;
    }

    private struct LookupWork : ITeamWork
    {
        public IEmbedding Embedding;
        public ReadOnlyMemory<int> Tokens;
        public float[] Hidden;
        public int First;

        public readonly void Invoke(int index) =>
            Embedding.Lookup(Tokens.Span[index], Hidden.AsSpan((First + index) * Embedding.Width, Embedding.Width));
    }

    private struct NormWork : ITeamWork
    {
        public LanguageModel Model;
        public float[] Hidden, Normed;
        public LogitRows Rows;

        public readonly void Invoke(int index)
        {
            int width = Model.Config.HiddenSize, source = Rows == LogitRows.All ? index : Model._context.LastRow(index);
            RowMath.RmsNorm(Hidden.AsSpan(source * width, width), Model._finalNorm, Model.Config.NormEpsilon, Normed.AsSpan(index * width, width));
        }
    }

    private void CheckTokens(ReadOnlySpan<Segment> segments)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            foreach (int token in segments[i].Tokens.Span)
            {
                if ((uint)token >= (uint)Config.VocabularySize)
                    throw new ArgumentException($"token {token} of segment {i} is not in the vocabulary of {Config.VocabularySize}", nameof(segments));
            }
        }
    }
}
