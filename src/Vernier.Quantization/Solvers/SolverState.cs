namespace Vernier.Quantization.Solvers;

/// <summary>A matrix on its way through the steps of a recipe.</summary>
public sealed class SolverState
{
    /// <summary>Begins: the largest weights become outliers where the layout has some, and the others are rounded to nearest.</summary>
    /// <param name="whole">The matrix.</param>
    /// <param name="family">The family of its solutions.</param>
    internal SolverState(MatrixProblem whole, SolutionFamily family)
    {
        (Whole, Problem, Family) = (whole, whole, family);
        if (whole.Layout.OutlierValues > 0)
        {
            OutlierSet set = OutlierSet.Largest(whole.Layout, family.OutlierUnit(whole), whole.Weights);
            set.Take(whole.Weights);
            TakeOutliers(set);
        }
        Solution = Nearest = family.Nearest(Problem, ColumnImportance.None, null)!;
        Nearest.KeepZeros(Problem.Weights);
    }

    /// <summary>The matrix, outliers included.</summary>
    public MatrixProblem Whole { get; }

    /// <summary>The matrix as steps see it: without its outliers.</summary>
    public MatrixProblem Problem { get; private set; }

    /// <summary>The family of solutions.</summary>
    public SolutionFamily Family { get; }

    /// <summary>The nearest on the grid by the weights alone. Not to be changed.</summary>
    public MatrixSolution Nearest { get; }

    /// <summary>The solution as it is now; the nearest before the first step.</summary>
    public MatrixSolution Solution { get; set; }

    /// <summary>The damping with which the Gram matrix was factored, relative to its mean diagonal; 0 where it was not needed.</summary>
    public double Damping { get; set; }

    /// <summary>What is added to single weights, or null.</summary>
    internal OutlierSet? Outliers { get; private set; }

    /// <summary>Takes other outliers: the steps that follow see the matrix without these.</summary>
    internal void TakeOutliers(OutlierSet set)
    {
        Outliers = set;
        Problem = set.Remaining(Whole);
    }

    /// <summary>The weights that a solution stands for, outliers added, R x C.</summary>
    internal float[] Decode(MatrixSolution solution)
    {
        float[] weights = solution.Decode();
        for (int row = 0; row < Whole.Rows && Outliers is not null; row++)
            Outliers.AddTo(row, weights.AsSpan(row * Whole.Columns, Whole.Columns));
        return weights;
    }

    /// <summary>The relative layer objective of a solution, outliers added.</summary>
    public double Relative(MatrixSolution solution) => Whole.Relative(Decode(solution));

    /// <summary>The result as it is stored.</summary>
    internal Packing.PackedMatrix Pack() => Solution.Pack(Whole.Shift, Outliers?.Pack(Whole.Shift));
}
