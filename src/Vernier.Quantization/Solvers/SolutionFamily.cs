using Vernier.Packing;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers;

/// <summary>
/// A family of grids as the steps see it: how a solution begins, and which steps there are for it. There is one for each layout of packed
/// matrices. Results are the same on any
/// number of threads.
/// </summary>
public abstract class SolutionFamily
{
    /// <summary>What a grid of the family is called in messages, such as "a grid of vectors".</summary>
    public abstract string Name { get; }

    /// <summary>Whether columns can count in this way when scales or codebooks are fitted.</summary>
    public virtual bool Counts(ColumnImportance importance) => importance != ColumnImportance.Output;

    /// <summary>Makes the nearest solution on the grid.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="importance">How much the columns count.</param>
    /// <param name="factor">The factor of H where the importance follows from it; null where H can't be factored.</param>
    /// <returns>Null where the importance needs a factor, and there is none.</returns>
    public abstract MatrixSolution? Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor);

    /// <summary>What 1 stands for among the numbers that are added to single weights, normalised.</summary>
    public virtual float OutlierUnit(MatrixProblem problem) => 1;

    /// <summary>What the nearest solution takes; its memory stays in use around all other steps.</summary>
    public abstract StepCost NearestCost(PackedLayout layout);
}

/// <summary>A family other than the scalar one that GPTQ can serve.</summary>
public interface ISequentialFamily
{
    /// <summary>Whether columns can be taken in an order.</summary>
    bool Takes(ColumnOrder order);

    /// <summary>Rounds the columns one after the other, each error carried over to those that follow.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="factor">The factor of its Gram matrix, in the order in which the columns are to be taken.</param>
    /// <param name="importance">How much the columns count in the fit of scales and codebooks.</param>
    MatrixSolution Sequential(MatrixProblem problem, GramFactor factor, ColumnImportance importance);

    /// <summary>What it takes.</summary>
    StepCost SequentialCost(PackedLayout layout);
}

/// <summary>A family other than the scalar one on whose codes there is coordinate descent.</summary>
public interface IDescentFamily
{
    /// <summary>Improves a solution in place; the objective never rises.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">A solution of the family.</param>
    /// <param name="sweeps">The most sweeps.</param>
    /// <param name="refit">Whether scales, or codebooks, are refitted after each sweep.</param>
    void Descend(MatrixProblem problem, MatrixSolution solution, int sweeps, bool refit);

    /// <summary>What it takes.</summary>
    StepCost DescentCost(PackedLayout layout, int sweeps, bool refit);
}

/// <summary>A family other than the scalar one whose codebooks can be found anew for the codes as they are.</summary>
public interface ICodebookFamily
{
    /// <summary>Improves the codebooks of a solution in place; the objective never rises.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">A solution of the family.</param>
    /// <param name="iterations">The most iterations.</param>
    void ImproveCodebooks(MatrixProblem problem, MatrixSolution solution, int iterations);
}
