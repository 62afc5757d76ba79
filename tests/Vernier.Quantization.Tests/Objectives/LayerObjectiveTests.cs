using Vernier.Quantization.Calibration;
using Vernier.Quantization.Objectives;

namespace Vernier.Tests.Objectives;

public class LayerObjectiveTests
{
    private const int Rows = 5;
    private const int Columns = 13;
    private const int Samples = 700;

    private readonly float[] _inputs = TinyModel.Gaussian(Samples * Columns, 1, 1);
    private readonly float[] _weights = TinyModel.Gaussian(Rows * Columns, 2, 1);
    private readonly float[] _quantized = TinyModel.Gaussian(Rows * Columns, 3, 1);
    private readonly LayerObjective _objective;

    public LayerObjectiveTests()
    {
        var gram = new GramMatrix(Columns);
        gram.Add(_inputs.AsSpan(0, 300 * Columns), 300);
        gram.Add(_inputs.AsSpan(300 * Columns), Samples - 300);
        Assert.Equal(Samples, gram.Samples);
        Assert.Empty(gram.NotFinite);
        _objective = new LayerObjective(gram.ToSymmetric(), Columns);
    }

    [Fact]
    public void ItIsTheSquaredErrorOfTheOutputs()
    {
        double sum = 0, whole = 0;
        for (int row = 0; row < Rows; row++)
        {
            for (int sample = 0; sample < Samples; sample++)
            {
                double error = 0, output = 0;
                for (int i = 0; i < Columns; i++)
                {
                    error += ((double)_weights[row * Columns + i] - _quantized[row * Columns + i]) * _inputs[sample * Columns + i];
                    output += (double)_weights[row * Columns + i] * _inputs[sample * Columns + i];
                }
                sum += error * error;
                whole += output * output;
            }
        }
        Assert.Equal(1, _objective.Value(_weights, _quantized) / sum, 1e-5);
        Assert.Equal(sum / whole, _objective.Relative(_weights, _quantized), 1e-5);
        Assert.Equal(0, _objective.Relative(_weights, _weights));
        Assert.Equal(1, _objective.Relative(_weights, new float[_weights.Length]), 1e-12);
    }

    [Fact]
    public void TheGradientIsThatOfTheValue()
    {
        var gradient = new double[_weights.Length];
        _objective.Gradient(_weights, _quantized, gradient);
        for (int i = 0; i < gradient.Length; i++)
        {
            float[] up = [.. _quantized], down = [.. _quantized];
            up[i] += 0.125f;
            down[i] -= 0.125f;
            double slope = (_objective.Value(_weights, up) - _objective.Value(_weights, down)) / ((double)up[i] - down[i]);
            Assert.Equal(slope, gradient[i], 1e-4 * Math.Max(1, Math.Abs(slope)));
        }
    }

    [Fact]
    public void ChannelsThatAreNotFiniteAreNamed()
    {
        var gram = new GramMatrix(4);
        gram.Add([1, 2, 3, 4, 1, float.NaN, 3, float.NegativeInfinity], 2);
        Assert.Equal([1, 3], gram.NotFinite);
        Assert.Contains("numbers that are not finite",
            Assert.Throws<ArgumentException>(() => new LayerObjective(gram.ToSymmetric(), 4)).Message, StringComparison.Ordinal);
    }
}
