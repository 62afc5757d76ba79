using Vernier.Inference;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// The residual stream of all calibration sequences in front of one block, held while that block is in hand, and the passes that show the
/// inputs of its linear layers.
/// </summary>
internal sealed class BlockCalibration
{
    private const int BatchTokens = 4096;
    private const int ProbeRows = 4;

    private readonly ForwardContext _context;
    private readonly Segment[][] _batches;
    private readonly float[][] _hidden;
    private readonly int _width;

    /// <summary>Embeds the sequences.</summary>
    public BlockCalibration(ModelConfig config, IEmbedding embedding, CalibrationSet set)
    {
        _context = new ForwardContext(config);
        _width = config.HiddenSize;
        int perBatch = Math.Max(1, BatchTokens / set.Length);
        _batches = [.. set.Sequences.Chunk(perBatch).Select(batch => Array.ConvertAll(batch, tokens => new Segment(tokens)))];
        _hidden = [.. _batches.Select(batch => Embed(batch, embedding))];
    }

    /// <summary>The number of batches.</summary>
    public int Batches => _batches.Length;

    /// <summary>The residual streams of a batch, rows x hidden size.</summary>
    public ReadOnlySpan<float> Streams(int batch) => _hidden[batch];

    /// <summary>Runs one batch through a block and gives its residual stream behind it, without keeping it.</summary>
    public float[] Run(Block block, int batch)
    {
        float[] hidden = [.. _hidden[batch]];
        _context.Begin(_batches[batch]);
        block.Forward(hidden, _context);
        return hidden;
    }

    /// <summary>Moves the residual streams of all sequences behind a block.</summary>
    public void Advance(Block block)
    {
        for (int batch = 0; batch < Batches; batch++)
        {
            _context.Begin(_batches[batch]);
            block.Forward(_hidden[batch], _context);
        }
    }

    /// <summary>
    /// The linear layers of a block in the order in which they are applied, those together that have the same input: query, key and value;
    /// gate and up. Found by watching a pass of pseudo-random rows.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> SharedInputs(Block block)
    {
        var groups = new List<List<string>>();
        float[] last = [];
        Dictionary<string, ILinear> linears = block.Linears.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        foreach ((string name, ILinear linear) in linears)
        {
            block.Replace(name, new RecordingLinear(linear, (x, rows) =>
            {
                ReadOnlySpan<float> input = x[..(rows * linear.Inputs)];
                if (groups.Count == 0 || !input.SequenceEqual(last))
                    groups.Add([]);
                groups[^1].Add(name);
                last = input.ToArray();
            }, silent: false));
        }
        var random = new Random(1);
        float[] hidden = [.. Enumerable.Range(0, ProbeRows * _width).Select(_ => (float)random.NextDouble() - 0.5f)];
        _context.Begin([new Segment(new int[ProbeRows])]);
        block.Forward(hidden, _context);
        foreach ((string name, ILinear linear) in linears)
            block.Replace(name, linear);
        return groups;
    }

    /// <summary>
    /// Shows the input of one group of layers for one batch. The layers of the group and those after it are not applied.
    /// </summary>
    public void Observe(Block block, IReadOnlyList<IReadOnlyList<string>> groups, int group, int batch, InputSink sink)
    {
        var replaced = new Dictionary<string, ILinear>(StringComparer.Ordinal);
        foreach (string name in groups.Skip(group).SelectMany(names => names))
        {
            replaced[name] = block.Linears[name];
            block.Replace(name, new RecordingLinear(replaced[name], name == groups[group][0] ? sink : null, silent: true));
        }
        Run(block, batch);
        foreach ((string name, ILinear linear) in replaced)
            block.Replace(name, linear);
    }

    private float[] Embed(Segment[] batch, IEmbedding embedding)
    {
        int[] tokens = [.. batch.SelectMany(segment => segment.Tokens.ToArray())];
        var hidden = new float[checked(tokens.Length * _width)];
        ParallelLoop.For(tokens.Length, row => embedding.Lookup(tokens[row], hidden.AsSpan(row * _width, _width)));
        return hidden;
    }
}
