using Vernier.Errors;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Quantization.Networks;

/// <summary>
/// A decoder-only language model as a network: its blocks are the stages, its samples the tokens of calibration sequences, and between two
/// stages the samples are the
/// residual streams. The only file that knows how a model is put together.
/// </summary>
internal sealed class LanguageNetwork : INetwork
{
    /// <summary>The tokens of a batch, or those of a sequence if they are more.</summary>
    public const int BatchTokens = 1024;

    private readonly DecoderAssembly _assembly;
    private readonly IWeightSource _weights;
    private readonly ForwardContext _context;
    private readonly Segment[][] _batches;
    private readonly int[] _firstSequence;
    private readonly float[] _hidden;
    private readonly int _width;
    private IEmbedding _embedding;
    private ActivationStore? _store;

    /// <summary>Makes a network of a model and its samples. Nothing is read.</summary>
    /// <param name="model">The model, which must stay open as long as the network.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="sequences">The tokens of each sequence, all of one length, at least one.</param>
    /// <param name="workers">Who computes; null for all processors.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or the sequences are longer than the model's
    /// context.</exception>
    /// <exception cref="InvalidFileException">The model has no embedding table.</exception>
    public LanguageNetwork(Model model, IWeightSource weights, IReadOnlyList<int[]> sequences, Workers? workers = null)
    {
        ModelConfig config = model.Configuration;
        CheckTokens(config, sequences);
        (_assembly, _weights, _width) = (ArchitectureCatalogue.Assemble(config), weights, config.HiddenSize);
        _context = new ForwardContext(config, workers);
        int length = sequences[0].Length, perBatch = SequencesPerBatch(length);
        _batches = [.. sequences.Chunk(perBatch).Select(batch => Array.ConvertAll(batch, tokens => new Segment(tokens)))];
        _firstSequence = [.. Enumerable.Range(0, _batches.Length).Select(batch => batch * perBatch)];
        _hidden = GC.AllocateUninitializedArray<float>(checked(Math.Min(perBatch, sequences.Count) * length * _width));
        _embedding = _assembly.Entry(new CheckpointEmbedding(model.Checkpoint, model.Checkpoint[_assembly.EmbeddingName]), weights);
        Rows = (long)sequences.Count * length;
        Shape = ShapeOf(config);
    }

    /// <inheritdoc/>
    public NetworkShape Shape { get; }

    /// <inheritdoc/>
    public int Batches => _batches.Length;

    /// <inheritdoc/>
    public long Rows { get; }

    /// <summary>The layers of a model, without its weights.</summary>
    public static NetworkShape ShapeOf(ModelConfig config)
    {
        DecoderAssembly assembly = ArchitectureCatalogue.Assemble(config);
        return new NetworkShape([assembly.EmbeddingName],
            [.. Enumerable.Range(0, config.LayerCount).Select(layer => ShapeOf(assembly, layer))], config.HiddenSize);
    }

    /// <summary>The sequences of a batch, for sequences of a length.</summary>
    public static int SequencesPerBatch(int length) => Math.Max(1, BatchTokens / length);

    /// <inheritdoc/>
    public void ReplaceTable(string name, PackedMatrix table)
    {
        if (name != _assembly.EmbeddingName)
            throw new ArgumentException($"the model has no table {name}", nameof(name));
        _embedding = _assembly.Entry(new PackedEmbedding(table), _weights);
    }

    /// <inheritdoc/>
    public void Begin(string? file = null, CancellationToken cancellation = default)
    {
        _store?.Dispose();
        _store = new ActivationStore(Array.ConvertAll(_batches, batch => checked(RowsOf(batch) * _width)), file);
        for (int batch = 0; batch < Batches; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] tokens = [.. _batches[batch].SelectMany(segment => segment.Tokens.ToArray())];
            int length = _batches[batch][0].Tokens.Length;
            _context.Workers.For(tokens.Length, row =>
                _embedding.Lookup(tokens[row], row % length, _hidden.AsSpan(row * _width, _width)));
            _store.Write(batch, _hidden);
        }
    }

    /// <inheritdoc/>
    public INetworkStage Load(int stage) => new Stage(this, _assembly.Block(_weights, stage), Shape.Stages[stage].Groups);

    /// <summary>The residual streams of a batch where they are, rows x hidden size, valid until the next call.</summary>
    internal ReadOnlySpan<float> Streams(int batch)
    {
        Store.Read(batch, _hidden);
        return _hidden.AsSpan(0, Store.Length(batch));
    }

    /// <summary>Closes and removes the file.</summary>
    public void Dispose() => _store?.Dispose();

    private ActivationStore Store => _store ?? throw new InvalidOperationException(
        "the samples have not been brought in front of the first stage");

    private static int RowsOf(Segment[] batch) => batch.Sum(segment => segment.Tokens.Length);

    private static void CheckTokens(ModelConfig config, IReadOnlyList<int[]> sequences)
    {
        foreach (int[] tokens in sequences)
        {
            if (Array.Exists(tokens, token => (uint)token >= (uint)config.VocabularySize))
                throw new ArgumentException($"the calibration text has a token that is not in the vocabulary of {config.VocabularySize}");
            if (tokens.Length > config.MaxPositions)
                throw new ArgumentException(
                    $"calibration sequences of {tokens.Length} tokens are longer than the model's context of {config.MaxPositions}");
        }
    }

    private static StageShape ShapeOf(DecoderAssembly assembly, int layer)
    {
        var weights = new WeightlessSource();
        LayerGroup[] groups = GroupsOf(assembly.Block(weights, layer));
        // The stream, its norm and what is added to it; queries, what is attended to, keys and values and their store; gate, up and their
        // product.
        long inner = assembly.Config is TransformerConfig config
            ? (2L * config.HeadCount + 4L * config.KeyValueHeadCount) * config.HeadSize + 3L * config.IntermediateSize
            : 0;
        return new StageShape(groups, weights.Names, 4L * assembly.Config.HiddenSize + inner);
    }

    private static LayerGroup[] GroupsOf(Block block) =>
        [.. block.Groups.Select((group, index) =>
            new LayerGroup(block.Layer, index, [.. group.Slots.Select(slot => new LayerShape(slot.Name, slot.Outputs, slot.Inputs))]))];

    private void Run(Block block, int batch)
    {
        Store.Read(batch, _hidden);
        _context.Begin(_batches[batch]);
        block.Forward(_hidden, _context);
    }

    // Every row of a batch comes into every layer but those of experts, in the order of the tokens.
    private SampleId[] IdsOf(int batch) =>
        [.. _batches[batch].SelectMany((segment, i) =>
            Enumerable.Range(0, segment.Tokens.Length).Select(position => new SampleId(_firstSequence[batch] + i, position)))];

    /// <summary>A block.</summary>
    private sealed class Stage(LanguageNetwork network, Block block, IReadOnlyList<LayerGroup> groups) : INetworkStage
    {
        public IReadOnlyList<LayerGroup> Groups => groups;

        public void Observe(LayerGroup group, int batch, IReadOnlyList<IActivationObserver> observers)
        {
            SampleId[] ids = network.IdsOf(batch);
            int seen = 0;
            var replaced = new List<(LinearSlot Slot, ILinear Layer)>();
            try
            {
                foreach (LinearSlot slot in block.Groups.Skip(group.Index).SelectMany(each => each.Slots))
                {
                    replaced.Add((slot, slot.Layer));
                    slot.Layer = new RecordingLinear(slot.Layer, slot.Name == group.Name ? Show : null);
                }
                network.Run(block, batch);
            }
            finally
            {
                foreach ((LinearSlot slot, ILinear layer) in replaced)
                    slot.Layer = layer;
            }

            void Show(ReadOnlySpan<float> x, int rows)
            {
                ReadOnlySpan<int> routed = network._context.RoutedRows.Span;
                SampleId[] own = routed.IsEmpty ? ids[seen..(seen + rows)] : Array.ConvertAll(routed.ToArray(), row => ids[row]);
                var input = new GroupInput(group, x[..(rows * group.Inputs)], own);
                seen += rows;
                foreach (IActivationObserver observer in observers)
                    observer.Observe(input);
            }
        }

        public void Replace(string layer, PackedMatrix weight)
        {
            LinearSlot slot = block[layer];
            float[]? bias = slot.Layer is FloatLinear { Bias.IsEmpty: false } linear ? linear.Bias.ToArray() : null;
            slot.Layer = new PackedLinear(weight, bias, PackedArithmetic.Float);
        }

        public void Advance(CancellationToken cancellation = default)
        {
            for (int batch = 0; batch < network.Batches; batch++)
            {
                cancellation.ThrowIfCancellationRequested();
                network.Run(block, batch);
                network.Store.Write(batch, network._hidden);
            }
        }
    }
}
