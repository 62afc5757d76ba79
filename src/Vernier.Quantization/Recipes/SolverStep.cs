namespace Vernier.Quantization.Recipes;

/// <summary>What gives the weights their codes.</summary>
public enum SolverMethod
{
    /// <summary>The nearest level, at scales fitted to the weights.</summary>
    Nearest,

    /// <summary>One column after the other, the error of each carried over to those that follow.</summary>
    Gptq,

    /// <summary>Coordinate descent on the codes.</summary>
    Quantease,

    /// <summary>The scales of least layer objective for the codes as they are.</summary>
    Scales,

    /// <summary>The codebooks of least layer objective for the indices as they are.</summary>
    Codebooks,

    /// <summary>Learned rounding to the level below or above.</summary>
    Adaround,

    /// <summary>Learned rounding by division of each weight.</summary>
    Flexround,

    /// <summary>The outliers and the codes in turn, so that the layer objective falls.</summary>
    Outliers,

    /// <summary>Local search for the least maximum violation, max_i |(w - q) x_i|, of each row.</summary>
    Dmmv,

    /// <summary>Codebooks and the codes among neighbouring codewords learned together; the scales are refitted.</summary>
    Jlcm,

    /// <summary>Learned rounding to any level, with the exponents of the grids learned as well; the scales are refitted.</summary>
    Nupes,
}

/// <summary>The order in which GPTQ takes the columns.</summary>
public enum ColumnOrder
{
    /// <summary>As they stand.</summary>
    Natural,

    /// <summary>
    /// The input channels of most energy first ("act-order"). Scales are then fixed beforehand, so that groups stay consecutive columns.
    /// </summary>
    Activation,
}

/// <summary>On which weights GPTQ fits the scales of a group.</summary>
public enum GroupFit
{
    /// <summary>On the weights as they are, with the errors carried over, when its turn comes.</summary>
    Current,

    /// <summary>On the original weights, before anything is rounded.</summary>
    Static,
}

/// <summary>How much the columns count when a scale is fitted.</summary>
public enum ColumnImportance
{
    /// <summary>All alike.</summary>
    None,

    /// <summary>By the energy of the input channel, H_jj.</summary>
    Diagonal,

    /// <summary>
    /// By what an error costs once all later columns have made up for it: 1 / U_jj^2, U the Cholesky factor of the inverse of H.
    /// </summary>
    Sequential,

    /// <summary>By what an error costs once all other columns have made up for it: 1 / [H^-1]_jj.</summary>
    Inverse,

    /// <summary>Not one by one: by what the error of all does to the output, the whole of H. Two-level grids only.</summary>
    Output,
}

/// <summary>The gradient by what decides among codewords.</summary>
public enum MappingGradient
{
    /// <summary>Larger for nearer codewords.</summary>
    Proximal,

    /// <summary>That of the softmax: larger for farther codewords.</summary>
    Exact,
}

/// <summary>What the output of a layer is to be, on the inputs that it has behind quantized layers.</summary>
public enum LayerTarget
{
    /// <summary>What its own float weights give on these inputs: W X.</summary>
    Layer,

    /// <summary>What it is in the float network, on the inputs that the layer has there: the layer makes up for the errors before it.</summary>
    Network,
}

/// <summary>One step of the way to the codes. The first makes them, each later one changes them so that the layer objective falls.</summary>
public sealed record SolverStep
{
    /// <summary>What is done.</summary>
    public required SolverMethod Method { get; init; }

    /// <summary>GPTQ's order of the columns.</summary>
    public ColumnOrder Order { get; init; }

    /// <summary>Where GPTQ's scales come from.</summary>
    public GroupFit Groups { get; init; }

    /// <summary>How much the columns count in the fit of scales and codebooks, and in the choice of a vector.</summary>
    public ColumnImportance Importance { get; init; }

    /// <summary>What GPTQ adds to the diagonal of H, relative to its mean; 0 to 1. It grows until H can be factored.</summary>
    public double Damping { get; init; } = 0.01;

    /// <summary>The columns after which GPTQ carries errors over to all others; at least 1. The result does not depend on it.</summary>
    public int BlockColumns { get; init; } = 128;

    /// <summary>The most sweeps over all columns of coordinate descent, rounds of the outliers, or moves of the local search; at least 1.</summary>
    public int Sweeps { get; init; } = 30;

    /// <summary>Whether coordinate descent also refits the scales, or codebooks, after each sweep.</summary>
    public bool RefitScales { get; init; }

    /// <summary>The steps of Adam in learned rounding, or the most of conjugate gradients for codebooks; at least 1.</summary>
    public int Iterations { get; init; } = 500;

    /// <summary>The learning rate at the beginning, which falls to 0 along a cosine; above 0.</summary>
    public double LearningRate { get; init; } = 0.03;

    /// <summary>
    /// The weight of what drives learned rounding to whole codes, relative to the curvature of the objective, where a step of the grid counts as 1; at least 0.
    /// </summary>
    public double Penalty { get; init; } = 4;

    /// <summary>Whether the exponents of power grids are learned.</summary>
    public bool LearnExponent { get; init; }

    /// <summary>Whether the step can be taken on a grid of vectors.</summary>
    internal bool ServesVectors => Order == ColumnOrder.Natural && Method is (SolverMethod.Nearest or SolverMethod.Gptq or SolverMethod.Codebooks or SolverMethod.Quantease);

    /// <summary>The neighbouring codewords among which joint learning decides; 2 to 8.</summary>
    public int Neighbours { get; init; } = 3;

    /// <summary>By which gradient joint learning decides among codewords.</summary>
    public MappingGradient Gradient { get; init; }

    /// <summary>Whether joint learning leaves the codebooks as they are.</summary>
    public bool FreezeCodebook { get; init; }

    /// <summary>What is wrong with the step, or null.</summary>
    internal string? Problem =>
        !(Damping is >= 0 and <= 1) ? "the damping is not between 0 and 1"
        : BlockColumns < 1 ? "a block has no columns"
        : Sweeps < 1 || Iterations < 1 ? "there is no sweep, or no iteration"
        : !(LearningRate > 0) || !(Penalty >= 0) ? "the learning rate is not above 0, or the penalty is negative"
        : Neighbours is < 2 or > 8 ? "the neighbours are not 2 to 8"
        : Order == ColumnOrder.Activation && Groups == GroupFit.Current ? "in the order of activation the groups must be static"
        : null;
}
