using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Recipes;

/// <summary>The catalogues of grids, steps and families.</summary>
public class CatalogueTests
{
    [Fact]
    public void WhatIsThereIsNotRegisteredAgain()
    {
        Refused("the grid 'even', or its record, is there already", () => GridSpecs.Register<UniformGridSpec>("even"));
        Refused("the step 'closest', or its record, is there already", () => SolverSteps.Register<NearestStep>("closest"));
        Refused("the layout ScalarLayout has a family", () => SolutionFamilies.Register<ScalarLayout>(new ScalarFamily()));
        Refused("there is no grid 'even'", () => GridSpecs.Create("even"));
        Refused("there is no step 'closest'", () => SolverSteps.Types.Create("closest"));
        Refused("there is no family of solutions for the layout String", () => SolutionFamilies.Of(typeof(string)));

        static void Refused(string message, Action action) =>
            Assert.StartsWith(message, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryGridHasDefaultsAFamilyAndItsName()
    {
        foreach (string kind in GridSpecs.Kinds)
        {
            GridSpec grid = GridSpecs.Create(kind);
            Assert.Equal(kind, GridSpecs.KindOf(grid));
            // Which format, no default can say.
            Assert.Equal(kind == "minifloat", grid.Problem is not null);
            SolutionFamily family = SolutionFamilies.Of(grid.LayoutType);
            Assert.Null(new NearestStep().ProblemWith(grid, family));
        }
        Assert.Equal(SolverSteps.Methods, SolverSteps.Methods.Distinct());
        Assert.Equal("nearest", SolverSteps.MethodOf(new NearestStep()));
    }

    [Fact]
    public void AWeightedStepWithoutDataIsAFallbackInEveryFamily()
    {
        float[] weights = TinyModel.Gaussian(32 * 64, 1, 0.2);
        MatrixProblem problem = new(new TritLayout(32, 64, 0, TritStorage.Base3), weights, 0, new LayerObjective(new double[64 * 64], 64));
        MatrixReport report = new MatrixSolver([new NearestStep { Importance = ColumnImportance.Diagonal }]).Solve(problem).Report;
        Assert.Equal((Fallback.NoData, 64), (report.Fallback, report.DeadChannels));
        Assert.Null(new MatrixSolver([new NearestStep()]).Solve(new MatrixProblem(problem.Layout, weights)).Report.Fallback);
    }

    [Fact]
    public void AFallbackIsItsMessageInFilesAndIsKnownAgain()
    {
        foreach (Fallback fallback in (Fallback[])[Fallback.NoData, Fallback.NotFactored, Fallback.OwnTarget,
            new Fallback("other", "the sky fell")])
        {
            string json = System.Text.Json.JsonSerializer.Serialize(fallback);
            Assert.Equal($"\"{fallback.Message}\"", json.Replace("\\u0027", "'", StringComparison.Ordinal));
            Assert.Equal(fallback, System.Text.Json.JsonSerializer.Deserialize<Fallback>(json));
        }
    }
}
