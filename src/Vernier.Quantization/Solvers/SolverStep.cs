using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers;

/// <summary>
/// One step of the way to the codes, with its options: the first makes them, each later one changes them so that the layer objective falls.
/// Every method has a record of its own,
/// and recipes name it by its method.
/// </summary>
public abstract record SolverStep
{
    /// <summary>Whether the step makes codes, and so is the first; otherwise it improves those that there are.</summary>
    public virtual bool MakesCodes => false;

    /// <summary>Whether the inputs of the layers have to be observed.</summary>
    public virtual bool NeedsData => true;

    /// <summary>How many single inputs of a layer the step looks at, evenly spread over all; 0 for none.</summary>
    public virtual int Samples => 0;

    /// <summary>Whether the step changes scales that were there, so that rules for scales do not hold behind it.</summary>
    public virtual bool RefitsScales => false;

    /// <summary>What is wrong with the options, or null.</summary>
    public virtual string? Problem => null;

    /// <summary>Why the step can't serve a grid, or null where it can.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="family">The family of its solutions.</param>
    public abstract string? ProblemWith(GridSpec grid, SolutionFamily family);

    /// <summary>How much the columns count in the choice of level tables, of mean 1; empty where all count alike.</summary>
    public virtual float[] TableImportance(LayerObjective objective) => [];

    /// <summary>Takes the step: <see cref="SolverState.Solution"/> is made or improved.</summary>
    /// <param name="state">The matrix, and what the steps before have made of it. Its inputs were observed.</param>
    /// <returns>Null; or why the step could not be taken: the nearest solution then takes the place of all.</returns>
    public abstract Fallback? Apply(SolverState state);

    /// <summary>What the step takes for a matrix.</summary>
    /// <param name="layout">How the matrix is stored.</param>
    /// <param name="family">The family of its solutions.</param>
    public abstract StepCost Cost(PackedLayout layout, SolutionFamily family);
}
