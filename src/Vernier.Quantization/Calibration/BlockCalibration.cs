using Vernier.Inference.Passes;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// The residual stream of all calibration sequences in front of one block, held while that block is in hand, and the passes that show the
/// inputs of its linear layers. How the sequences are cut into batches follows from the set alone, so that results do not depend on the memory there is.
/// </summary>
internal sealed class BlockCalibration : IDisposable
{
    /// <summary>The tokens of a batch, or those of a sequence if they are more.</summary>
    public const int BatchTokens = 1024;

    private readonly ForwardContext _context;
    private readonly Segment[][] _batches;
    private readonly ActivationStore _store;
    private readonly float[] _hidden;
    private readonly int _width;

    /// <summary>Embeds the sequences.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="embedding">Its embedding.</param>
    /// <param name="set">The sequences.</param>
    /// <param name="file">The file that holds the streams; null to hold them in memory.</param>
    /// <exception cref="IOException">The file can't be made, or the disk has no room.</exception>
    public BlockCalibration(ModelConfig config, IEmbedding embedding, CalibrationSet set, string? file = null)
    {
        _context = new ForwardContext(config);
        _width = config.HiddenSize;
        int perBatch = SequencesPerBatch(set.Length);
        _batches = [.. set.Sequences.Chunk(perBatch).Select(batch => Array.ConvertAll(batch, tokens => new Segment(tokens)))];
        _store = new ActivationStore(Array.ConvertAll(_batches, batch => checked(batch.Sum(segment => segment.Tokens.Length) * _width)), file);
        _hidden = GC.AllocateUninitializedArray<float>(checked(perBatch * set.Length * _width));
        for (int batch = 0; batch < _batches.Length; batch++)
            Embed(batch, embedding);
    }

    /// <summary>The number of batches.</summary>
    public int Batches => _batches.Length;

    /// <summary>The tokens of a batch.</summary>
    public int Rows(int batch) => _store.Length(batch) / _width;

    /// <summary>The residual streams of a batch, rows x hidden size, valid until the next call.</summary>
    public ReadOnlySpan<float> Streams(int batch)
    {
        _store.Read(batch, _hidden);
        return _hidden.AsSpan(0, _store.Length(batch));
    }

    /// <summary>The sequences of a batch, for sequences of a length.</summary>
    public static int SequencesPerBatch(int length) => Math.Max(1, BatchTokens / length);

    /// <summary>Runs one batch through a block, without keeping what comes out.</summary>
    public void Run(Block block, int batch)
    {
        _store.Read(batch, _hidden);
        _context.Begin(_batches[batch]);
        block.Forward(_hidden, _context);
    }

    /// <summary>Moves the residual streams of all sequences behind a block.</summary>
    public void Advance(Block block, CancellationToken cancellation = default)
    {
        for (int batch = 0; batch < Batches; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            Run(block, batch);
            _store.Write(batch, _hidden);
        }
    }

    /// <summary>The linear layers of a block in the order in which they are applied, those together that have the same input: query, key and value; gate and up.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> SharedInputs(Block block) => [.. block.Groups.Select(group => (string[])[.. group.Slots.Select(slot => slot.Name)])];

    /// <summary>
    /// Shows the input of one group of layers for one batch. The layers of the group and those after it are not applied.
    /// </summary>
    public void Observe(Block block, IReadOnlyList<IReadOnlyList<string>> groups, int group, int batch, InputSink sink)
    {
        var replaced = new Dictionary<LinearSlot, ILinear>();
        foreach (string name in groups.Skip(group).SelectMany(names => names))
        {
            LinearSlot slot = block[name];
            replaced[slot] = slot.Layer;
            slot.Layer = new RecordingLinear(slot.Layer, name == groups[group][0] ? sink : null, silent: true);
        }
        Run(block, batch);
        foreach ((LinearSlot slot, ILinear linear) in replaced)
            slot.Layer = linear;
    }

    /// <summary>Closes and removes the file.</summary>
    public void Dispose() => _store.Dispose();

    private void Embed(int batch, IEmbedding embedding)
    {
        int[] tokens = [.. _batches[batch].SelectMany(segment => segment.Tokens.ToArray())];
        ParallelLoop.For(tokens.Length, row => embedding.Lookup(tokens[row], _hidden.AsSpan(row * _width, _width)));
        _store.Write(batch, _hidden);
    }
}
