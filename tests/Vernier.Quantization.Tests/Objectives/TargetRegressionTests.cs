using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;

namespace Vernier.Tests.Objectives;

public class TargetRegressionTests
{
    private const int Rows = 4, Columns = 9, Samples = 200;

    private readonly float[] _weights = TinyModel.Gaussian(Rows * Columns, 1, 1), _x = TinyModel.Gaussian(Samples * Columns, 2, 1);

    [Fact]
    public void TheWeightsAreTheBestOnes()
    {
        float[] y = [.. _x.Zip(TinyModel.Gaussian(Samples * Columns, 3, 0.2), (a, b) => a + b)];
        const double Ridge = 0.05;
        float[] best = TargetRegression.Correct(_weights, Gram(), Cross(y), Columns, Ridge, Workers.Shared)!;
        double least = Loss(best, y, Ridge);
        Assert.True(least < 0.99 * Loss(_weights, y, Ridge));
        // It is a minimum: any small step leads up.
        for (int i = 0; i < best.Length; i++)
        {
            foreach (float step in (float[])[-1e-2f, 1e-2f])
            {
                float[] moved = [.. best];
                moved[i] += step;
                Assert.True(Loss(moved, y, Ridge) > least);
            }
        }
    }

    [Fact]
    public void WhereTheInputsAreTheSameTheWeightsStay() =>
        Assert.Equal(_weights, TargetRegression.Correct(_weights, Gram(), new double[Columns * Columns], Columns, 0.01, Workers.Shared));

    [Fact]
    public void WithoutDataThereIsNoTarget() =>
        Assert.Null(TargetRegression.Correct(_weights, new double[Columns * Columns], new double[Columns * Columns], Columns, 0.01,
            Workers.Shared));

    private double[] Gram()
    {
        var gram = new GramMatrix(Columns);
        gram.Add(_x, Samples);
        return gram.ToSymmetric();
    }

    private double[] Cross(float[] y)
    {
        var cross = new CrossGram(Columns, Workers.Shared);
        cross.Add(y, _x, Samples);
        return cross.Sums;
    }

    // ||W Y - V X||^2 + d m ||V - W||^2.
    private double Loss(float[] v, float[] y, double ridge)
    {
        double mean = Enumerable.Range(0, Columns).Average(i => Gram()[i * Columns + i]),
            sum = ridge * mean * v.Zip(_weights, (a, b) => Math.Pow((double)a - b, 2)).Sum();
        for (int row = 0; row < Rows; row++)
        {
            for (int sample = 0; sample < Samples; sample++)
            {
                double error = 0;
                for (int i = 0; i < Columns; i++)
                    error += (double)_weights[row * Columns + i] * y[sample * Columns + i] - (double)v[row * Columns + i]
                        * _x[sample * Columns + i];
                sum += error * error;
            }
        }
        return sum;
    }
}
