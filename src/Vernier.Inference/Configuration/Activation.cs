namespace Vernier.Inference.Configuration;

/// <summary>The nonlinearity of a feed-forward part.</summary>
public enum Activation
{
    /// <summary>x sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the tanh form of the Gaussian error linear unit.</summary>
    GeluTanh,
}
