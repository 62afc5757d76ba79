namespace Vernier.Inference.Configuration;

/// <summary>How rotary frequencies are rescaled to reach contexts longer than the network was first trained on.</summary>
public enum RopeScaling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Every frequency divided by the factor (position interpolation).</summary>
    Linear,

    /// <summary>Llama 3.1: low frequencies divided, high ones kept, a linear blend between.</summary>
    Llama3,

    /// <summary>YaRN: frequencies that turn seldom in the original context divided by the factor, those that turn often kept, a linear
    /// blend between (Peng et al., 2023).</summary>
    Yarn,

    /// <summary>The base grows with the length of the sequence once that exceeds the original context.</summary>
    Dynamic,

    /// <summary>LongRoPE: a factor of its own for every frequency, one list for short and one for long contexts.</summary>
    LongRope,
}

/// <summary>
/// The rotary position embedding: coordinates i and i + R/2 of each head, R the rotary size, are turned by the angle
/// position * f_i with f_i = theta^(-2i/R), i in [0, R/2), rescaled as <see cref="Scaling"/> says.
/// </summary>
public sealed record RopeConfig
{
    /// <summary>The base theta, above 1e-6 and at most 1e15. Default 10000.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>R, how many leading coordinates of a head are rotated: even, at least 2, at most the head size.</summary>
    public required int RotarySize { get; init; }

    /// <summary>The rescaling. Default none.</summary>
    public RopeScaling Scaling { get; init; }

    /// <summary>Whether coordinates 2i and 2i + 1 are turned together, rather than i and i + R/2. Default false.</summary>
    public bool Interleaved { get; init; }

    /// <summary>YaRN: frequencies that turn so often in the original context are kept. Above 0. Default 32.</summary>
    public double FastTurns { get; init; } = 32;

    /// <summary>YaRN: frequencies that turn so seldom in the original context are divided by the factor. Above 0. Default 1.</summary>
    public double SlowTurns { get; init; } = 1;

    /// <summary>YaRN: whether the borders of the blend are rounded to whole frequencies. Default true.</summary>
    public bool WholeBorders { get; init; } = true;

    /// <summary>The factor s of linear, YaRN, dynamic and Llama 3 scaling, above 1e-6 and at most 1e6. Default 1.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths above original / this are divided by the factor. Above 0.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths below original / this are kept. Above the low one.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>The context the network was first trained on, in tokens; LongRoPE's border between short and long.</summary>
    public int OriginalMaxPositions { get; init; }

    /// <summary>LongRoPE: the R/2 divisors of the frequencies for contexts up to the original one.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>LongRoPE: the R/2 divisors of the frequencies for longer contexts.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    /// <summary>LongRoPE and YaRN: what cosine and sine are multiplied by, above 0. Default 1.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>LongRoPE: the same for contexts longer than the original one; null, the default, for no other.</summary>
    public double? LongAttentionFactor { get; init; }
}
