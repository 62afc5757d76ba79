namespace Vernier.Tests.References;

/// <summary>The nonlinearity that <c>hidden_act</c> names.</summary>
internal static class ReferenceActivation
{
    /// <summary>Adds the nonlinearity to a network.</summary>
    /// <param name="spec">The network.</param>
    /// <param name="name">Its name; null for SiLU.</param>
    public static TinySpec Apply(TinySpec spec, string? name) => name switch
    {
        null or "silu" or "swish" => spec,
        "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => spec with { Gelu = true },
        "gelu" => spec with { Activate = x => x * (1 + Erf(x / Math.Sqrt(2))) / 2 },
        "relu" => spec with { Activate = x => Math.Max(x, 0) },
        "relu2" => spec with { Activate = x => Math.Max(x, 0) * Math.Max(x, 0) },
        _ => throw new ReferenceRefusal($"the activation {name}"),
    };

    // The series about 0: erf is 1 within 2e-8 from 4 on.
    private static double Erf(double x)
    {
        if (Math.Abs(x) >= 4)
            return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
