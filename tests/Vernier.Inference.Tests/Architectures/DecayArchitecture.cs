using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Architectures;

/// <summary>An architecture that src/ knows nothing of: blocks of one mixer, a decaying sum over the tokens, and no feed-forward.</summary>
internal sealed class DecayArchitecture : IArchitecture
{
    public string ModelType => "decay";

    public GgufArchitecture? Gguf => null;

    public ModelConfig ReadConfiguration(ConfigObject root) => new DecayConfig(root);

    public DecoderAssembly Assemble(ModelConfig config) => new DecayAssembly((DecayConfig)config);
}

internal sealed class DecayConfig(ConfigObject root) : ModelConfig(root)
{
    public float Decay { get; } = (float)root.Number("decay", 0, 1);
}

internal sealed class DecayAssembly(DecayConfig config) : DecoderAssembly(config)
{
    public override string EmbeddingName => "table";

    public override string HeadName => "head";

    public override INorm FinalNorm(IWeightSource weights) => new RmsNorm(weights.Vector("norm", Config.HiddenSize), 1e-6f);

    protected override Block MakeBlock(IWeightSource weights, int layer)
    {
        var norm = new RmsNorm(weights.Vector($"{layer}.norm", Config.HiddenSize), 1e-6f);
        var slot = new LinearSlot($"{layer}.mix", weights.Linear($"{layer}.mix", null, Config.HiddenSize, Config.HiddenSize));
        return new Block(layer, Config.HiddenSize, new BlockStep(norm, new DecayMixer(layer, config.Decay, new LinearGroup(slot))));
    }
}

/// <summary>s_t = decay s_(t-1) + x_t, delta_t = W s_t.</summary>
internal sealed class DecayMixer(int layer, float decay, LinearGroup mix) : IBlockPart
{
    private readonly DecayShape _shape = new(mix.Inputs);

    public IReadOnlyList<LinearGroup> Groups => [mix];

    public LayerStateShape State => _shape;

    public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
    {
        int width = mix.Inputs;
        float[] sums = new float[context.Rows * width], deltas = new float[context.Rows * width];
        ReadOnlyMemory<LayerState> states = context.States(layer, _shape);
        for (int segment = 0; segment < context.SegmentCount; segment++)
        {
            (int first, int rows, _) = context.Place(segment);
            var state = (DecayState)states.Span[segment];
            Array.Copy(state.Committed, state.Running, width);
            for (int row = first; row < first + rows; row++)
            {
                for (int i = 0; i < width; i++)
                    sums[row * width + i] = state.Running[i] = decay * state.Running[i] + x[row * width + i];
            }
        }
        mix.Apply(sums, [deltas], context.Rows, context.Workers);
        deltas.CopyTo(delta);
    }
}

internal sealed record DecayShape(int Width) : LayerStateShape
{
    public override LayerState Create(CachePrecision precision) => new DecayState(Width);
}

internal sealed class DecayState(int width) : LayerState
{
    public float[] Committed { get; } = new float[width];

    public float[] Running { get; } = new float[width];

    public override long BytesFor(int tokens) => 2L * sizeof(float) * width;

    public override void Reserve(int tokens)
    {
    }

    public override void Commit(int tokens) => Array.Copy(Running, Committed, width);

    public override bool CanTruncate(int tokens) => tokens == 0;

    public override void Truncate(int tokens) => Array.Clear(Committed);
}
