using Vernier.Errors;

namespace Vernier.Inference.Configuration;

/// <summary>The nonlinearity of a feed-forward part.</summary>
public enum Activation
{
    /// <summary>x sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the tanh form of the Gaussian error linear unit.</summary>
    GeluTanh,

    /// <summary>0.5 x (1 + erf(x / sqrt(2))), the Gaussian error linear unit (Hendrycks and Gimpel, 2016).</summary>
    Gelu,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>max(x, 0)^2 (So et al., 2021).</summary>
    SquaredRelu,
}

/// <summary>Reads nonlinearities.</summary>
public static class Activations
{
    /// <summary>The nonlinearity that a member names; SiLU where it is absent.</summary>
    /// <exception cref="UnsupportedModelException">It is one that is not computed here.</exception>
    public static Activation Read(ConfigObject root, string member = "hidden_act") => root.Text(member) switch
    {
        null or "silu" or "swish" => Activation.Silu,
        "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => Activation.GeluTanh,
        "gelu" => Activation.Gelu,
        "relu" => Activation.Relu,
        "relu2" => Activation.SquaredRelu,
        { } other => throw root.Unsupported(ModelRules.ConfigActivation,
            $"{ConfigObject.Quote(member)} is {ConfigObject.Quote(other)}",
            "Give a model with silu, swish, gelu, gelu_pytorch_tanh, gelu_new, relu or relu2"),
    };
}
